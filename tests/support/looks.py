"""Whether what is on the screen can be read: the contrast of its letters, and that it fits."""

from __future__ import annotations

from playwright.sync_api import Locator

__all__ = ["reads_well"]

# The contrast of each piece of text to what is behind it, after WCAG 2.2.
CONTRASTS = """output => {
    const canvas = document.createElement('canvas').getContext('2d', {willReadFrequently: true});
    const parse = color => {
        // Whatever the colour is written in, the canvas knows it.
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = color;
        canvas.fillRect(0, 0, 1, 1);
        const [r, g, b, a] = canvas.getImageData(0, 0, 1, 1).data;
        return {rgb: [r, g, b], alpha: a / 255};
    };
    const over = (top, alpha, below) => top.map((part, i) => part * alpha + below[i] * (1 - alpha));
    const behind = element => {
        if (!element) return [255, 255, 255];
        const {rgb, alpha} = parse(getComputedStyle(element).backgroundColor);
        return alpha === 1 ? rgb : over(rgb, alpha, behind(element.parentElement));
    };
    const luminance = rgb => {
        const [r, g, b] = rgb.map(part => part / 255)
            .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const found = [];
    const walker = document.createTreeWalker(output, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
        const text = walker.currentNode.textContent.trim();
        if (!text) continue;
        const element = walker.currentNode.parentElement;
        let opacity = 1;
        for (let one = element; one; one = one.parentElement) opacity *= Number(getComputedStyle(one).opacity);
        const below = behind(element);
        const {rgb, alpha} = parse(getComputedStyle(element).color);
        const lights = [luminance(over(rgb, alpha * opacity, below)), luminance(below)].sort((a, b) => a - b);
        found.push([text, (lights[1] + 0.05) / (lights[0] + 0.05)]);
    }
    return found;
}"""
TOO_WIDE = """output => [output, ...output.querySelectorAll('*')]
    .filter(one => one.scrollWidth > one.clientWidth + 1 && getComputedStyle(one).display !== 'inline')
    .map(one => one.outerHTML.slice(0, 200))"""


def reads_well(shown: Locator) -> None:
    """Check that all text in an element stands out enough, and that nothing is wider than its place."""
    contrasts = shown.evaluate(CONTRASTS)
    assert contrasts
    low = [pair for pair in contrasts if pair[1] < 4.5]
    assert not low, low
    wide = shown.evaluate(TOO_WIDE)
    assert not wide, wide
