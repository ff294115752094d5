/* encoding.c: which encoding a text that is not UTF-8 has, by what its bytes allow. */
#include "data/text/encoding.h"

#include <stdbool.h>

/* What stands in a text of letters of two bytes, by their first and second bytes. */
typedef struct pairs {
    int n;
    int low;           /* second bytes below 0x80 */
    int kana;          /* first bytes of Japanese kana, as EUC-JP has them */
    int hangul;        /* first bytes of Korean syllables, as EUC-KR has them */
    int beyond_hangul; /* Chinese letters that those would not be */
} pairs;

static bool in(int c, int low, int high)
{
    return c >= low && c <= high;
}

/* GB18030 with all that it has: two bytes (GBK, EUC-KR, EUC-JP are in it) or four. */
static bool read_gb(const unsigned char *p, size_t n, pairs *k)
{
    *k = (pairs){0};
    for (size_t i = 0; i < n;) {
        if (p[i] < 0x80) {
            i++;
            continue;
        }
        if (!in(p[i], 0x81, 0xfe)) return false;
        if (i + 1 >= n) break;
        if (in(p[i + 1], 0x30, 0x39)) {
            if (i + 3 >= n) break;
            if (!in(p[i + 2], 0x81, 0xfe) || !in(p[i + 3], 0x30, 0x39)) return false;
            i += 4;
            continue;
        }
        if (!in(p[i + 1], 0x40, 0xfe) || p[i + 1] == 0x7f) return false;
        k->n++;
        k->low += p[i + 1] < 0x80;
        k->kana += in(p[i], 0xa4, 0xa5) && p[i + 1] >= 0xa1;
        k->hangul += in(p[i], 0xb0, 0xc8) && p[i + 1] >= 0xa1;
        k->beyond_hangul += in(p[i], 0xc9, 0xf7) || p[i + 1] < 0xa1;
        i += 2;
    }
    return k->n > 0;
}

/* *common: letters of everyday use among the *all. */
static bool read_big5(const unsigned char *p, size_t n, int *all, int *common)
{
    *all = *common = 0;
    for (size_t i = 0; i < n;) {
        if (p[i] < 0x80) {
            i++;
            continue;
        }
        if (!in(p[i], 0x81, 0xfe)) return false;
        if (i + 1 >= n) break;
        if (!in(p[i + 1], 0x40, 0x7e) && !in(p[i + 1], 0xa1, 0xfe)) return false;
        ++*all;
        *common += in(p[i], 0xa1, 0xc6);
        i += 2;
    }
    return *all > 0;
}

/* *kana: hiragana and katakana among the *all, marks not counted. */
static bool read_sjis(const unsigned char *p, size_t n, int *all, int *kana)
{
    *all = *kana = 0;
    for (size_t i = 0; i < n;) {
        if (p[i] < 0x80 || in(p[i], 0xa1, 0xdf)) {
            i++;
            continue;
        }
        if (!in(p[i], 0x81, 0x9f) && !in(p[i], 0xe0, 0xfc)) return false;
        if (i + 1 >= n) break;
        if (!in(p[i + 1], 0x40, 0xfc) || p[i + 1] == 0x7f) return false;
        *all += p[i] != 0x81;
        *kana += in(p[i], 0x82, 0x83);
        i += 2;
    }
    return *all > 0;
}

/* Letters of one byte: Cyrillic texts consist of high bytes, others have a few. */
static bool is_cyrillic(const unsigned char *p, size_t n)
{
    size_t high = 0, letters = 0, of_alphabet = 0;
    for (size_t i = 0; i < n; i++) {
        high += p[i] >= 0x80;
        of_alphabet += p[i] >= 0xc0;
        letters += p[i] >= 0x80 || in(p[i] | 0x20, 'a', 'z');
    }
    return high * 2 > letters && of_alphabet * 10 > high * 8;
}

/* High bytes that stand alone, as an accented letter among others: of which in texts
 * with letters of two bytes there are none but cut ones. */
static bool are_single(const unsigned char *p, size_t n)
{
    size_t single = 0, high = 0;
    for (size_t i = 0; i < n; i++) {
        bool here = p[i] >= 0x80;
        high += here;
        single += here && (!i || p[i - 1] < 0x80) && (i + 1 == n || p[i + 1] < 0x80);
    }
    return single * 3 >= high;
}

const char *weft__encoding_guess(const unsigned char *p, size_t n)
{
    pairs k;
    int all = 0, known = 0;
    bool gb = read_gb(p, n, &k);
    if (read_sjis(p, n, &all, &known) && known * 10 > all * 3) return "SHIFT_JIS";
    if (gb && k.kana * 10 > k.n * 3) return "EUC-JP";
    if (gb && k.hangul * 10 > k.n * 6 && k.beyond_hangul * 50 < k.n) return "EUC-KR";
    bool big5 = read_big5(p, n, &all, &known) && known * 10 > all * 9;
    if (big5 && (!gb || k.low * 10 > k.n)) return "BIG5";
    if (gb && !are_single(p, n)) return "GB18030";
    return is_cyrillic(p, n) ? "WINDOWS-1251" : "WINDOWS-1252";
}
