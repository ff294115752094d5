/* progress.c: a progress bar as Keras draws it. */
#include "progress.h"

#include "base/cpu.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { BAR = 24 };
static const double every_bar = 0.1, every_line = 10; /* seconds */

progress progress_start(bool quiet)
{
    const char *term = getenv("TERM");
    bool clever = term && strcmp(term, "dumb") != 0;
    return (progress){.terminal = clever && isatty(STDERR_FILENO), .quiet = quiet};
}

/* The terminal's columns now; it may be resized at any time. */
static size_t columns(void)
{
    struct winsize w = {0};
    return ioctl(STDERR_FILENO, TIOCGWINSZ, &w) || w.ws_col < 20 ? 80 : w.ws_col;
}

static const char *duration(char *text, size_t size, double seconds)
{
    int s = seconds > 0 && seconds < 1e8 ? (int)(seconds + 0.5) : 0;
    if (s < 60)
        snprintf(text, size, "%ds", s);
    else if (s < 3600)
        snprintf(text, size, "%dm%02ds", s / 60, s % 60);
    else
        snprintf(text, size, "%dh%02dm", s / 3600, s / 60 % 60);
    return text;
}

void progress_duration(FILE *f, double seconds)
{
    char text[32];
    fputs(duration(text, sizeof text, seconds), f);
}

static void bar(const weft_progress *now)
{
    char marks[BAR + 1], left[32], line[256];
    int full = now->batches ? (int)((long long)now->batch * BAR / now->batches) : 0;
    for (int i = 0; i < BAR; i++) marks[i] = i < full ? '=' : i == full ? '>' : '.';
    marks[BAR] = '\0';
    snprintf(
        line, sizeof line, "Epoch %d/%d  %d/%d [%s]  loss %.4f  %.0f/s  %s left  lr %.2g",
        now->epoch, now->epochs, now->batch, now->batches, marks, now->loss,
        now->samples_per_second, duration(left, sizeof left, now->seconds_left), now->lr);
    /* a line that is wider than the terminal would not go away with the next one */
    fprintf(stderr, "\r%.*s\033[K", (int)columns() - 1, line);
}

void progress_step(progress *p, const weft_progress *now)
{
    double t = weft__seconds();
    char left[32];
    if (p->quiet) return;
    if (p->shown <= 0)
        p->shown = p->terminal ? 0.001 : t; /* no line before the first interval */
    if (t - p->shown < (p->terminal ? every_bar : every_line)) return;
    p->shown = t;
    if (p->terminal) {
        bar(now);
        p->open = true;
    } else {
        fprintf(stderr,
                "epoch %d/%d  batch %d/%d  loss %.4f  lr %.3g  %.0f samples/s  %s left\n",
                now->epoch, now->epochs, now->batch, now->batches, now->loss, now->lr,
                now->samples_per_second, duration(left, sizeof left, now->seconds_left));
    }
    fflush(stderr);
}

void progress_epoch(progress *p, const weft_epoch_row *row, int epochs, bool best)
{
    if (p->quiet) return;
    if (p->open) fprintf(stderr, "\r\033[K");
    p->open = false;
    fprintf(stderr, "epoch %*d/%d  loss %.4f  val_loss %.4f",
            epochs > 99  ? 3
            : epochs > 9 ? 2
                         : 1,
            row->epoch, epochs, row->train_loss, row->val_loss);
    for (int i = 0; i < row->scores.n - 1; i++) {
        const weft_score *s = &row->scores.score[i];
        fprintf(stderr, s->percent ? "  %s %6.2f %%" : "  %s %.4f", s->label,
                s->percent ? 100 * s->value : s->value);
    }
    fprintf(stderr, "  %.1f s%s\n", row->seconds, best ? "  *" : "");
    fflush(stderr);
}

void progress_end(progress *p)
{
    if (p->open) fputc('\n', stderr);
    p->open = false;
}
