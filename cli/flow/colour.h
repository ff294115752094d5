/* colour.h: numbers as colours, and grids of small maps as PNG. */
#ifndef WEFT_CLI_FLOW_COLOUR_H
#define WEFT_CLI_FLOW_COLOUR_H

#include "weft/base.h"

#include <stddef.h>

/* t in 0..1: dark blue over green to yellow; blue over yellow to red. */
void colour_level(double t, unsigned char rgb[3]);
void colour_heat(double t, unsigned char rgb[3]);
/* t in -1..1: blue, white, red. */
void colour_sign(double t, unsigned char rgb[3]);

/* An RGB picture that grows by tiles: `tiles` of them, each w by h, `columns` in a row
 * with a line between. */
typedef struct tile_sheet {
    unsigned char *pixels;
    int width, height, w, h, columns;
} tile_sheet;

weft_status tiles_new(tile_sheet *s, int tiles, int w, int h, int columns);
/* Three bytes to be set: pixel (x, y) of tile i. */
unsigned char *tiles_at(const tile_sheet *s, int i, int x, int y);
void tiles_free(tile_sheet *s);

#endif
