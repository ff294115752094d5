/* classify_report.h: what the report of a classifier has of its own. */
#ifndef WEFT_SRC_TASK_CLASSIFY_REPORT_H
#define WEFT_SRC_TASK_CLASSIFY_REPORT_H

#include "task/task.h"

weft_status weft__classify_report(const weft_evaluation *e, const weft_dataset *d,
                                  weft__fact_list *headline, weft__report *r);
/* confusion_matrix.png and, of pictures, val_batch0_pred.png. */
weft_status weft__classify_pictures(const weft_evaluation *e, const weft_evaluation *val,
                                    const weft_dataset *d, const weft__report *r,
                                    const char *dir);

#endif
