/** Tokens by which other plugins, ours and others', reach the live documents. */

import type { ISharedDocument } from '@jupyter/ydoc';
import { Token } from '@lumino/coreutils';
import type { IDisposable } from '@lumino/disposable';
import type { ISignal } from '@lumino/signaling';
import type { ILink } from './channels/link';
import type { Discussion } from './comments/discussion';
import type { IHalfWritten } from './comments/private';
import type { IUnsaved } from './documents/unacknowledged';
import type { IPostponed } from './postponed';
import type { Provider } from './provider';
import type { Sharing } from './sharing';
import type { IWhyNot } from './standing/standing';

/** One live document of this tab. */
export interface ILiveDocument {
  /** The file's path; changes when the file is renamed. */
  readonly path: string;
  /** `notebook` or `file`. */
  readonly type: string;
  readonly model: ISharedDocument;
  readonly provider: Provider;
  /** The comments on it. */
  readonly discussion: Discussion;
  /** Comments that this person has half written. */
  readonly halfWritten: IHalfWritten;
}

/** The live documents of this tab. */
export interface ILiveDocuments {
  /** This tab's connection to the server: how it stands, since when, and how to have it back at once. */
  readonly link: ILink;
  /** A document was opened. */
  readonly added: ISignal<ILiveDocuments, ILiveDocument>;
  /** Return the live document behind a shared model. */
  find(model: ISharedDocument): ILiveDocument | undefined;
  /** Return the notebook of which this is the text, for as long as that is open; there, nobody sees this tab. */
  notebookOf(text: ILiveDocument): ILiveDocument;
  /** Open this file the ordinary way, without sharing it, until the result is disposed. */
  unshare(path: string, type: string, why: IWhyNot): IDisposable;
  /** Return why this file is opened the ordinary way, null where it need not be. */
  whyUnshared(path: string, type: string): IWhyNot | null;
  /** Texts were applied again; `left` could not be merged. */
  readonly recovered: ISignal<unknown, IRecovered>;
  /** A file was renamed or moved while this page was away, and the document has followed. */
  readonly moved: ISignal<unknown, IMoved>;
  /** Have a document saved because a person asks for it; where there is no connection, once it is back. */
  requestSave(document: ILiveDocument): Promise<void>;
  /** JupyterLab has begun to save a document by itself. */
  readonly saving: ISignal<unknown, ILiveDocument>;
  /** A save waits for the connection, or has waited and is done. */
  readonly postponed: ISignal<unknown, IPostponed>;
  /** Return the texts that could not be merged into a document and wait for a person to decide. */
  undecided(document: ILiveDocument): readonly IUndecided[];
  readonly undecidedChanged: ISignal<unknown, ILiveDocument>;
  /** Forget texts that the person has decided about. */
  decide(document: ILiveDocument, id: string): Promise<void>;
  /** Forget what is kept in this browser of what was typed and not sent. */
  forgetDrafts(): Promise<void>;
}

/** A document that has followed its file. */
export interface IMoved {
  readonly document: ILiveDocument;
  readonly from: string;
}

/** How texts came back that were kept. */
export interface IRecovered {
  readonly document: ILiveDocument;
  /** The document began `anew` on the server or here, or a cell was `deleted` in which somebody typed. */
  readonly why: 'anew' | 'deleted';
  readonly added: number;
  readonly left: readonly IUnsaved[];
}

/** Texts that could not be merged. */
export interface IUndecided {
  readonly id: string;
  /** In milliseconds since the epoch. */
  readonly saved: number;
  readonly texts: readonly IUnsaved[];
}

/** Provided where rtc_widgets is the collaboration extension of this page; null where it stepped aside. */
export const ILiveDocuments = new Token<ILiveDocuments | null>(
  'rtc-widgets:ILiveDocuments',
  'The documents of this page that rtc_widgets keeps in step with others.'
);

/** Tells why documents are not shared, where `ILiveDocuments` is null. */
export const ISharing = new Token<Sharing>(
  'rtc-widgets:ISharing',
  'Why the documents of this page are not shared by rtc_widgets.'
);
