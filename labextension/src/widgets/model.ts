/** A widget's model as anywidget hands it to us, and the page around it, as far as we know of them. */

/** The model. */
export interface IModel {
  get(key: string): unknown;
  set(key: string, value: unknown): void;
  send(content: unknown): void;
  on(event: string, callback: (...args: never[]) => void): void;
  off(event: string, callback: (...args: never[]) => void): void;
  readonly widget_manager?: IManager;
}

/** What anywidget calls `render` with. */
export interface IContext {
  readonly model: IModel;
  readonly el: HTMLElement;
  /** Aborted when the view goes; older releases of anywidget call what `render` returns instead. */
  readonly signal?: AbortSignal;
}

/** What manages the models of a kernel in a page. */
export interface IManager {
  get_model(id: string): Promise<ILiveModel>;
  /** In JupyterLab. */
  readonly kernel?: IKernel | null;
}

/** The model itself: anywidget hands out less. */
export interface ILiveModel {
  /** Whether the kernel that made it is at the other end; undefined where nobody knows. */
  readonly comm_live?: boolean;
}

/** A kernel as JupyterLab has it. */
export interface IKernel {
  readonly clientId: string;
  readonly username: string;
  sendControlMessage?(
    message: unknown,
    expectReply: boolean,
    disposeOnDone: boolean
  ): { dispose(): void };
}
