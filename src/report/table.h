/* table.h: tables on a terminal, aligned by the columns that letters really take. */
#ifndef WEFT_SRC_REPORT_TABLE_H
#define WEFT_SRC_REPORT_TABLE_H

#include "report/report.h"

typedef struct weft__column {
    const char *title;
    bool right; /* numbers */
    int most;   /* columns of the terminal at most, then an ellipsis; 0 means 40 */
} weft__column;

/* Title line, rule, and one line per row of cell[rows][columns]. A row whose first
 * cell is NULL is another rule, any other NULL cell is empty. Cells are foreign
 * text: escaped. Fresh memory, free() it; NULL when out of memory. */
char *weft__table(const weft__column *column, int columns, const char *const *cell,
                  int rows);

/* The confusion matrix, a line per true class; with more than 20 classes the commonest
 * mistakes instead. free() it; NULL when out of memory. */
char *weft__confusion_text(const weft__confusion *m);

#endif
