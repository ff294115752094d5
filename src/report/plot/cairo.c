/* cairo.c: a canvas that draws a PNG file. without_cairo.c takes its place where
 * cairo is missing. */
#include "report/plot/canvas.h"

#include "base/file.h"
#include "base/width.h"

#include <cairo/cairo.h>

#include <math.h>
#include <stdint.h>
#include <string.h>

/* The light dress of style.c. */
static const unsigned colour[WEFT_INKS] = {
    [WEFT_INK_TEXT] = 0x1d2329,  [WEFT_INK_MUTED] = 0x5d6771, [WEFT_INK_GRID] = 0xe3e6e8,
    [WEFT_INK_PAPER] = 0xffffff, [WEFT_INK_1] = 0x0a6ab4,     [WEFT_INK_2] = 0xd1570a,
    [WEFT_INK_3] = 0x0a8a68,     [WEFT_INK_4] = 0xa8488f,     [WEFT_INK_5] = 0x8a6d00,
    [WEFT_INK_6] = 0x4a9fd0};

static const double SHARPNESS = 2; /* pixels per point */

static void ink(cairo_t *c, weft__ink which, double opacity)
{
    unsigned v = colour[which];
    cairo_set_source_rgba(c, (v >> 16) / 255.0, (v >> 8 & 255) / 255.0, (v & 255) / 255.0,
                          opacity > 0 ? opacity : 1);
}

static void line(void *to, const double *xy, int points, weft__pen pen)
{
    cairo_t *c = to;
    double dash[2] = {pen.dash, pen.dash * 0.8};
    cairo_new_path(c);
    for (int i = 0; i < points; i++) cairo_line_to(c, xy[2 * i], xy[2 * i + 1]);
    ink(c, pen.ink, pen.opacity);
    cairo_set_line_width(c, pen.width);
    cairo_set_line_join(c, CAIRO_LINE_JOIN_ROUND);
    cairo_set_line_cap(c, CAIRO_LINE_CAP_ROUND);
    cairo_set_dash(c, dash, pen.dash > 0 ? 2 : 0, 0);
    cairo_stroke(c);
}

static void boxes(void *to, const double *xy, int n, double w, double h, weft__pen pen)
{
    cairo_t *c = to;
    cairo_new_path(c);
    for (int i = 0; i < n; i++) cairo_rectangle(c, xy[2 * i], xy[2 * i + 1], w, h);
    ink(c, pen.ink, pen.opacity);
    cairo_fill(c);
}

static void dot(void *to, double x, double y, double radius, weft__pen pen)
{
    cairo_t *c = to;
    cairo_new_path(c);
    cairo_arc(c, x, y, radius, 0, 6.283185307179586);
    ink(c, pen.ink, pen.opacity);
    cairo_fill(c);
}

/* cairo's plain interface takes one font for a text and shows boxes for what it
 * lacks, so Chinese, Japanese and Korean texts name a font that has them. */
static const char *family_for(const char *text)
{
    uint32_t letter;
    for (int n; (n = weft__utf8_next(text, &letter)) > 0; text += n)
        if (letter >= 0x2e80) return "WenQuanYi Micro Hei";
    return "DejaVu Sans";
}

static void label(void *to, double x, double y, const char *text, weft__label how)
{
    cairo_t *c = to;
    cairo_text_extents_t size;
    weft__text t = {0};
    weft__text_visible(&t, text, how.letters);
    if (!t.data || t.failed) {
        weft__text_free(&t);
        return;
    }
    cairo_select_font_face(c, family_for(t.data), CAIRO_FONT_SLANT_NORMAL,
                           how.bold ? CAIRO_FONT_WEIGHT_BOLD : CAIRO_FONT_WEIGHT_NORMAL);
    cairo_set_font_size(c, how.size * 0.94); /* as large as a page's fonts look */
    cairo_text_extents(c, t.data, &size);
    cairo_save(c);
    cairo_translate(c, x, y);
    cairo_rotate(c, how.angle * 0.017453292519943295);
    cairo_move_to(c, -size.x_advance * (how.anchor + 1) / 2, 0);
    ink(c, how.ink, 1);
    cairo_show_text(c, t.data);
    cairo_restore(c);
    weft__text_free(&t);
}

/* In cairo's order: a 32-bit number for each pixel. */
static void picture(void *to, double x, double y, double w, double h,
                    const unsigned char *pixels, int channels, int ph, int pw)
{
    cairo_t *c = to;
    cairo_surface_t *s = cairo_image_surface_create(CAIRO_FORMAT_RGB24, pw, ph);
    if (cairo_surface_status(s) == CAIRO_STATUS_SUCCESS) {
        unsigned char *data = cairo_image_surface_get_data(s);
        int stride = cairo_image_surface_get_stride(s);
        for (int r = 0; r < ph; r++)
            for (int k = 0; k < pw; k++) {
                const unsigned char *p =
                    pixels + ((size_t)r * (size_t)pw + (size_t)k) * (size_t)channels;
                uint32_t v = channels < 3 ? p[0] * 0x010101u
                                          : (uint32_t)(p[0] << 16 | p[1] << 8 | p[2]);
                memcpy(data + (size_t)r * (size_t)stride + 4 * (size_t)k, &v, sizeof v);
            }
        cairo_surface_mark_dirty(s);
    }
    cairo_save(c);
    cairo_translate(c, x, y);
    cairo_scale(c, w / pw, h / ph);
    cairo_set_source_surface(c, s, 0, 0);
    cairo_pattern_set_filter(cairo_get_source(c),
                             pw <= 96 ? CAIRO_FILTER_NEAREST : CAIRO_FILTER_GOOD);
    cairo_paint(c);
    cairo_restore(c);
    cairo_surface_destroy(s);
}

static cairo_status_t put(void *to, const unsigned char *data, unsigned bytes)
{
    weft__text_bytes(to, data, bytes);
    return ((weft__text *)to)->failed ? CAIRO_STATUS_NO_MEMORY : CAIRO_STATUS_SUCCESS;
}

bool weft__png_available(void)
{
    return true;
}

weft_status weft__png_draw(const char *path, double width, double height,
                           void (*draw)(weft__canvas *c, void *what), void *what)
{
    weft__text png = {0};
    cairo_surface_t *surface = cairo_image_surface_create(
        CAIRO_FORMAT_RGB24, (int)ceil(width * SHARPNESS), (int)ceil(height * SHARPNESS));
    cairo_t *c = cairo_create(surface);
    weft__canvas canvas = {.to = c,
                           .line = line,
                           .boxes = boxes,
                           .dot = dot,
                           .label = label,
                           .picture = picture};
    ink(c, WEFT_INK_PAPER, 1);
    cairo_paint(c);
    cairo_scale(c, SHARPNESS, SHARPNESS);
    draw(&canvas, what);
    cairo_status_t drawn = cairo_status(c);
    if (drawn == CAIRO_STATUS_SUCCESS)
        drawn = cairo_surface_write_to_png_stream(surface, put, &png);
    weft_status s = drawn == CAIRO_STATUS_SUCCESS
                        ? weft__file_replace(path, png.data, png.used)
                    : drawn == CAIRO_STATUS_NO_MEMORY
                        ? weft__fail(WEFT_ENOMEM, "%s: no memory to draw it", path)
                        : weft__fail(WEFT_EIO, "%s: cannot draw: %s", path,
                                     cairo_status_to_string(drawn));
    cairo_destroy(c);
    cairo_surface_destroy(surface);
    weft__text_free(&png);
    return s;
}
