/* nearest.c: "did you mean": the word of a list that is nearest to a mistyped one. */
#include "base/nearest.h"

#include <stddef.h>
#include <string.h>

enum { LONGEST = 64 }; /* letters; nothing that is longer resembles a name of ours */

static int lower(char c)
{
    return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : (unsigned char)c;
}

static int least(int a, int b)
{
    return a < b ? a : b;
}

/* Optimal string alignment of two words of at most LONGEST letters, by three rows. */
static int distance(const char *a, int na, const char *b, int nb)
{
    int row[3][LONGEST + 1];
    int *before = row[0], *last = row[1], *here = row[2];
    for (int j = 0; j <= nb; j++) last[j] = j;
    for (int i = 1; i <= na; i++) {
        here[0] = i;
        for (int j = 1; j <= nb; j++) {
            int differs = lower(a[i - 1]) != lower(b[j - 1]);
            here[j] = least(last[j - 1] + differs, least(last[j], here[j - 1]) + 1);
            if (i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                lower(a[i - 2]) == lower(b[j - 1]))
                here[j] = least(here[j], before[j - 2] + 1);
        }
        int *oldest = before;
        before = last;
        last = here;
        here = oldest;
    }
    return last[nb];
}

static int begins(const char *word, int n, const char *whole)
{
    for (int i = 0; i < n; i++)
        if (!whole[i] || lower(word[i]) != lower(whole[i])) return 0;
    return n >= 2;
}

const char *weft__nearest(const char *word, const char *const *words, int n)
{
    const char *best = NULL;
    size_t length = word ? strnlen(word, LONGEST + 1) : 0;
    int shortest = LONGEST;
    if (!length || length > LONGEST) return NULL;
    for (int i = 0; i < n; i++) {
        size_t other = words[i] ? strnlen(words[i], LONGEST + 1) : 0;
        if (!other || other > LONGEST) continue;
        int letters = (int)(length > other ? length : other);
        int wrong = distance(word, (int)length, words[i], (int)other);
        int allowed = letters / 3 ? letters / 3 : 1;
        if (begins(word, (int)length, words[i]))
            wrong = least(wrong, 1); /* an abbreviation is as good as one wrong letter */
        if (wrong > allowed || wrong >= letters || wrong >= shortest) continue;
        shortest = wrong;
        best = words[i];
    }
    return best;
}
