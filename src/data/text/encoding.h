/* encoding.h: which encoding a text that is not UTF-8 has, by what its bytes allow. */
#ifndef WEFT_SRC_DATA_TEXT_ENCODING_H
#define WEFT_SRC_DATA_TEXT_ENCODING_H

#include <stddef.h>

/* The name that iconv knows, of n bytes that are not UTF-8: GB18030, BIG5, SHIFT_JIS,
 * EUC-JP, EUC-KR, WINDOWS-1251 or WINDOWS-1252. Those of several bytes a letter must be
 * valid throughout (but for a letter cut at the end); among those, the shares of the
 * ranges that everyday letters lie in decide. */
const char *weft__encoding_guess(const unsigned char *p, size_t n);

#endif
