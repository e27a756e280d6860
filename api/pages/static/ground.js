"use strict";
// A map of the ground: where a position lies in the drawing, and back.

const ground = {
  drawn(map, lat, lon) {
    const { west, north, narrow, scale, margin } = map.dataset;
    return {
      x: (lon - west) * narrow * scale + Number(margin),
      y: (north - lat) * scale + Number(margin),
    };
  },

  meant(map, x, y) {
    const { west, north, narrow, scale, margin } = map.dataset;
    return { lat: north - (y - margin) / scale, lon: Number(west) + (x - margin) / (narrow * scale) };
  },

  /** The point of the drawing that a click was on. */
  clicked(map, event) {
    return new DOMPoint(event.clientX, event.clientY).matrixTransform(map.getScreenCTM().inverse());
  },
};
