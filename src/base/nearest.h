/* nearest.h: "did you mean": the word of a list that is nearest to a mistyped one. */
#ifndef WEFT_SRC_BASE_NEAREST_H
#define WEFT_SRC_BASE_NEAREST_H

/* The entry of words[0 .. n-1] nearest to word: fewest letters inserted, removed,
 * replaced or swapped with their neighbour (case does not count), or of which word
 * is the beginning. The first of equals. NULL when none is near enough to be meant,
 * which takes at most a third of the letters (and one at least) wrong. NULL entries
 * are skipped. Belongs to the list. */
const char *weft__nearest(const char *word, const char *const *words, int n);

#endif
