/** How a kernel and its relay address each other (section 8), as far as a tab is concerned. */

/** The target of the comm that a kernel opens which offers nothing but comms. */
export const KERNEL_TARGET = 'rtc_widgets.kernel';
