// What each widget carries: finds the components in the page, or takes them from the one model that has them.
const KEY = Symbol.for('rtc_widgets.widgets.1');

async function fetched(model) {
  const id = model.get('_library').replace('IPY_MODEL_', '');
  const library = await model.widget_manager.get_model(id);
  const code = new Blob([library.get('code')], { type: 'text/javascript' });
  const url = URL.createObjectURL(code);
  try {
    return await import(/* @vite-ignore */ /* webpackIgnore: true */ url);
  } finally {
    URL.revokeObjectURL(url);
  }
}

export default {
  async render(context) {
    // In JupyterLab with the extension they are there, and know the page's documents.
    globalThis[KEY] ??= fetched(context.model);
    const { mount } = await globalThis[KEY];
    return mount(context);
  }
};
