/* usage.c: programs that run the model, made for this model. */
#include "report/html/page.h"

#include <stdio.h>
#include <string.h>

enum { NAMED = 24 }; /* with more classes the samples print numbers */

/* A string literal that C and Python read alike. */
void weft__literal(weft__text *t, const char *s)
{
    weft__text_add(t, "\"");
    for (; s && *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c == '"' || c == '\\')
            weft__text_printf(t, "\\%c", c);
        else if (c < 0x20 || c == 0x7f)
            weft__text_printf(t, "\\%03o", c);
        else
            weft__text_bytes(t, s, 1);
    }
    weft__text_add(t, "\"");
}

static bool is_named(const weft__report *r)
{
    return r->confusion.name && r->confusion.classes > 0 && r->confusion.classes <= NAMED;
}

static void names(weft__text *t, const weft__report *r, const char *indent)
{
    size_t line = t->used;
    for (int c = 0; c < r->confusion.classes; c++) {
        if (c) weft__text_add(t, t->used - line > 68 ? "," : ", ");
        if (t->used - line > 68) {
            weft__text_printf(t, "\n%s", indent);
            line = t->used;
        }
        weft__literal(t, r->confusion.name[c] ? r->confusion.name[c] : "");
    }
}

static void numbers(weft__text *t, const float *x, int n)
{
    for (int i = 0; i < n; i++) {
        char text[32];
        bool whole = true;
        snprintf(text, sizeof text, "%.7g", (double)x[i]);
        for (const char *c = text; *c; c++) whole = whole && *c != '.' && *c != 'e';
        weft__text_printf(t, "%s%s%s", i ? ", " : "", text, whole ? ".0" : "");
    }
}

static int channels(const weft__usage *u)
{
    return u->channels < 1 ? 1 : u->channels > 4 ? 4 : u->channels;
}

void weft__sample_command(weft__text *t, const weft__report *r)
{
    if (r->usage.text) {
        weft__text_printf(t, "weft predict %s 'a sentence'\n", r->usage.model);
        weft__text_printf(t, "weft predict %s - < lines.txt\n", r->usage.model);
        weft__text_printf(t, "weft eval %s DATA\n", r->usage.model);
        return;
    }
    weft__text_printf(t, "weft predict %s picture.png\n", r->usage.model);
    weft__text_printf(t, "weft eval %s DATA\n", r->usage.model);
}

void weft__sample_c(weft__text *t, const weft__report *r)
{
    weft__text_add(t,
                   "/* cc predict.c $(pkg-config --cflags --libs weft) */\n"
                   "#include <stdio.h>\n#include <stdlib.h>\n#include <weft/weft.h>\n\n"
                   "int main(int argc, char **argv)\n{\n"
                   "    weft_predictor *p = NULL;\n    weft_answer a = {0};\n"
                   "    char *text = NULL;\n    if (argc < 2) return 2;\n"
                   "    weft_item item = {");
    weft__text_add(t, r->usage.text ? ".text" : ".path");
    weft__text_add(t, " = argv[1]};\n    weft_status s = weft_predictor_open(");
    weft__literal(t, r->usage.model);
    weft__text_add(t, ", &p);\n    if (!s) s = weft_predict(p, &item, 1, &a);\n"
                      "    if (!s) text = weft_answer_text(p, &a, 3);\n"
                      "    if (s) fprintf(stderr, \"%s\\n\", weft_last_error());\n"
                      "    else puts(text ? text : \"\");\n"
                      "    free(text);\n    weft_answer_clear(&a);\n"
                      "    weft_predictor_free(p);\n    return weft_exit_code(s);\n}\n");
}

/* How Pillow brings a picture to the input's size as weft does. */
static void fitted(weft__text *t, const weft__usage *u)
{
    const char *fit = u->fit ? u->fit : "STRETCH";
    if (!strcmp(fit, "CROP"))
        weft__text_printf(t,
                          "picture = ImageOps.fit(picture, (%d, %d), Image.BILINEAR)\n",
                          u->width, u->height);
    else if (!strcmp(fit, "LETTERBOX"))
        weft__text_printf(
            t, "picture = ImageOps.pad(picture, (%d, %d), Image.BILINEAR, color=%s)\n",
            u->width, u->height, channels(u) == 1 ? "114" : "(114, 114, 114)");
    else
        weft__text_printf(t, "picture = picture.resize((%d, %d), Image.BILINEAR)\n",
                          u->width, u->height);
}

void weft__sample_onnx(weft__text *t, const weft__report *r)
{
    const weft__usage *u = &r->usage;
    int c = channels(u);
    if (u->text) {
        weft__sample_onnx_text(t, r);
        return;
    }
    weft__text_add(t, "import numpy as np\nimport onnxruntime as ort\n"
                      "from PIL import Image, ImageOps\n\n");
    if (is_named(r)) {
        weft__text_add(t, "names = [\n    ");
        names(t, r, "    ");
        weft__text_add(t, "]\n");
    }
    weft__text_printf(t,
                      "picture = ImageOps.exif_transpose(Image.open(\"picture.png\"))"
                      ".convert(\"%s\")\n",
                      c == 1   ? "L"
                      : c == 3 ? "RGB"
                               : "RGBA");
    fitted(t, u);
    weft__text_printf(t,
                      "x = np.asarray(picture, np.float32).reshape(%d, %d, %d) / 255\n"
                      "x = (x - np.float32([",
                      u->height, u->width, c);
    numbers(t, u->mean, c);
    weft__text_add(t, "])) / np.float32([");
    numbers(t, u->std, c);
    weft__text_add(
        t, "])\nx = x.transpose(2, 0, 1)[None]  # [batch, channels, height, width]\n\n"
           "session = ort.InferenceSession(");
    weft__literal(t, u->model);
    weft__text_printf(t,
                      ", providers=[\"CPUExecutionProvider\"])\n%s = session.run(None, {",
                      u->values ? "values" : "logits");
    weft__literal(t, u->input ? u->input : "x");
    weft__text_add(t, ": x})[0][0]\n");
    if (u->values) {
        weft__text_add(t, "print(*values)\n");
        return;
    }
    weft__text_add(t, "p = np.exp(logits - logits.max())\np /= p.sum()\n"
                      "for i in p.argsort()[::-1][:3]:\n");
    weft__text_printf(t, "    print(f\"{p[i]:6.1%%}  {%s}\")\n",
                      is_named(r) ? "names[i]" : "i");
}
