/* usage_text.c: programs that run a model for texts. The one in Python cuts texts as
 * segment.c in src/data does. */
#include "report/html/page.h"

/* ---- Python, in parts ---- */

/* clang-format off */
static const char imports[] =
    "import json, re, sys, unicodedata\n"
    "import numpy as np\n"
    "import onnxruntime as ort\n"
    "\n";

static const char words[] =
    "\n"
    "# letters, digits and combining marks; Chinese and Japanese letters stand alone\n"
    "marks = \"\".join(c for c in map(chr, range(0x300, 0x1F000))\n"
    "                if unicodedata.category(c)[0] == \"M\")\n"
    "han = (\"[\\u2e80-\\u2fdf\\u3005-\\u3007\\u3021-\\u3029\\u3031-\\u3035\"\n"
    "       \"\\u3038-\\u303b\\u3041-\\u3096\\u3099\\u309a\\u309d-\\u309f\"\n"
    "       \"\\u30a1-\\u30fa\\u30fc-\\u312f\\u31a0-\\u31bf\\u31f0-\\u31ff\"\n"
    "       \"\\u3400-\\u4dbf\\u4e00-\\u9fff\\uf900-\\ufaff\\uff66-\\uff9f\"\n"
    "       \"\\U0001b000-\\U0001b2ff\\U00020000-\\U0003fffd]\")\n"
    "letter = f\"(?:(?!{han})[\\\\w{marks}])\"\n"
    "ending = f\"'(?:s|d|m|re|ve|ll|S|D|M|RE|VE|LL)(?!{letter})\"\n"
    "inside = f\"{letter}|(?!{ending})'(?={letter})|(?<=[0-9])[.,](?=[0-9])\"\n"
    "word = re.compile(f\"{ending}|{han}|{letter}(?:{inside})*|(\\\\S)\\\\1*\")\n";

static const char shown[] =
    "\n"
    "def is_shown(c):\n"
    "    selects = \"\\ufe00\" <= c <= \"\\ufe0f\"\n"
    "    return unicodedata.category(c) != \"Cf\" and not selects\n"
    "\n"
    "def cut(text):\n"
    "    text = re.sub(\"<br */?>\", \" \", text, flags=re.I)\n"
    "    text = \"\".join(fold(c) for c in text if is_shown(c))\n"
    "    text = text.replace(\"\\u2019\", \"'\")\n"
    "    text = re.sub(\"[\\0-\\x20\\x7f-\\xa0]\", \" \", text)\n";

static const char by_words[] =
    "    for m in word.finditer(text):\n"
    "        yield m[0][:3] if m[1] else m[0].encode()[:96].decode(errors=\"ignore\")\n";

static const char by_letters[] =
    "    yield from (c for c in text if not c.isspace())\n";

static const char padded[] =
    "\n"
    "def padded(ids):\n"
    "    return np.array([ids + [0] * (length - len(ids))], np.int64)\n";

static const char grams[] =
    "\n"
    "def grams(name, n):  # numbers of pieces in base 64\n"
    "    digit = \"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/\"\n"
    "    wide = 1\n"
    "    while 64**wide < len(number) + 2:\n"
    "        wide += 1\n"
    "    code = [digit.index(c) for c in tokenizer[name]]\n"
    "    part = [sum(code[i + k] * 64 ** (wide - 1 - k) for k in range(wide))\n"
    "            for i in range(0, len(code), wide)]\n"
    "    table = {tuple(part[i:i + n]): i // n + 2 for i in range(0, len(part), n)}\n"
    "    whole = range(len(ids) - n + 1)\n"
    "    return padded([table.get(tuple(ids[i:i + n]), 1) for i in whole])\n";

static const char values[] =
    "\n"
    "for name, value in zip(names, session.run(None, feed)[0][0]):\n"
    "    print(f\"{name} {value:.6g}\")\n";

static const char answer[] =
    "\n"
    "logits = session.run(None, feed)[0][0]\n"
    "p = np.exp(logits - logits.max())\n"
    "p /= p.sum()\n"
    "for i in p.argsort()[::-1][:3]:\n"
    "    print(f\"{p[i]:6.1%}  {names[i]}\")\n";
/* clang-format on */

static void add_fold(weft__text *t, const weft__usage *u)
{
    weft__text_add(t, "\ndef fold(c):\n");
    if (!u->keep_width)
        weft__text_add(t, "    if \"\\uff01\" <= c <= \"\\uff5e\":  # full width\n"
                          "        c = chr(ord(c) - 0xFEE0)\n");
    if (u->keep_case)
        weft__text_add(t, "    return c\n");
    else
        weft__text_add(t, "    small = c.casefold()\n"
                          "    return small if len(small) == 1 else c\n");
}

static void add_feed(weft__text *t, const weft__usage *u)
{
    weft__text_add(
        t, "\nids = [number.get(piece, 1) for piece in cut(sys.argv[1])][:length] "
           "or [1]\n"
           "feed = {\"tokens\": padded(ids), \"lengths\": np.array([len(ids)], "
           "np.int64)}\n");
    if (u->streams > 1) weft__text_add(t, "feed[\"pairs\"] = grams(\"pairs\", 2)\n");
    if (u->streams > 2) weft__text_add(t, "feed[\"triples\"] = grams(\"triples\", 3)\n");
}

void weft__sample_onnx_text(weft__text *t, const weft__report *r)
{
    const weft__usage *u = &r->usage;
    weft__text_add(t, imports);
    weft__text_add(t, "session = ort.InferenceSession(");
    weft__literal(t, u->model);
    weft__text_add(
        t, ", providers=[\"CPUExecutionProvider\"])\n"
           "meta = session.get_modelmeta().custom_metadata_map\n"
           "names = json.loads(meta[\"weft.names\"])\n"
           "tokenizer = json.loads(meta[\"weft.tokenizer\"])\n"
           "length = tokenizer[\"length\"]\n"
           "# 0 is padding, 1 an unknown piece\n"
           "number = {piece: i + 2 for i, piece in enumerate(tokenizer[\"pieces\"])}\n");
    if (!u->letters) weft__text_add(t, words);
    add_fold(t, u);
    weft__text_add(t, shown);
    weft__text_add(t, u->letters ? by_letters : by_words);
    weft__text_add(t, padded);
    if (u->streams > 1) weft__text_add(t, grams);
    add_feed(t, u);
    weft__text_add(t, u->values ? values : answer);
}
