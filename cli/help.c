/* help.c: help and man pages, from the tables of options. */
#include "help.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static void print_wrapped(FILE *f, const char *text, int indent, int width, int column)
{
    while (*text) {
        size_t n = strcspn(text, " \n");
        if (column > indent && column + 1 + (int)n > width) {
            fprintf(f, "\n%*s", indent, "");
            column = indent;
        } else if (column > indent) {
            fputc(' ', f);
            column++;
        }
        fprintf(f, "%.*s", (int)n, text);
        column += (int)n;
        text += n;
        while (*text == ' ' || *text == '\n') text++;
    }
    fputc('\n', f);
}

static void print_row(FILE *f, const option_row *o)
{
    char left[64];
    if (!o->name) {
        fprintf(f, "\n%s\n", o->help);
        return;
    }
    char letter[8] = "    ";
    if (o->letter) snprintf(letter, sizeof letter, "-%c, ", o->letter);
    int n = snprintf(left, sizeof left, "  %s--%s", letter, o->name);
    if (o->kind != WEFT_OPTION_FLAG && n < 40)
        snprintf(left + n, sizeof left - (size_t)n, o->optional ? "[=%s]" : " %s",
                 o->metavar ? o->metavar : "WORD");
    n = fprintf(f, "%-28s", left);
    if (n > 28) {
        fprintf(f, "\n%28s", "");
        n = 28;
    }
    char text[500];
    snprintf(text, sizeof text, "%s%s%s", o->help, o->choices ? ": " : "",
             o->choices ? o->choices : "");
    print_wrapped(f, text, 28, 90, 28);
}

void help_print(FILE *f, const command *c)
{
    fprintf(f, "usage: weft %s %s\n\n", c->name, c->arguments);
    print_wrapped(f, c->about, 0, 90, 0);
    const option_row *row[MOST_ROWS];
    int rows = command_rows(c, row);
    for (int i = 0; i < rows; i++) print_row(f, row[i]);
    fprintf(f, "  -h, --help                this text\n");
    if (c->examples) fprintf(f, "\nexamples:\n%s", c->examples);
}

void help_overview(FILE *f)
{
    fprintf(
        f,
        "weft %s: train and run neural networks on a CPU\n\nusage: weft COMMAND ...\n\n",
        weft_version());
    for (int i = 0; i < command_total(); i++)
        fprintf(f, "  %-10s %s\n", command_at(i)->name, command_summary(i));
    fprintf(f, "\n`weft help COMMAND` explains one. Start with: weft train "
               "FOLDER_OF_PICTURES\n");
}

static void roff(FILE *f, const char *text)
{
    if (*text == '.' || *text == '\'') fputs("\\&", f);
    for (; *text; text++) {
        if (*text == '\\')
            fputs("\\e", f);
        else if (*text == '-')
            fputs("\\-", f);
        else
            fputc(*text, f);
    }
    fputc('\n', f);
}

static void man_options(FILE *f, const command *c)
{
    const option_row *row[MOST_ROWS];
    int rows = command_rows(c, row);
    for (int i = 0; i < rows; i++) {
        const option_row *o = row[i];
        if (!o->name) {
            fputs(".SS ", f);
            roff(f, o->help);
            continue;
        }
        fputs(".TP\n\\fB\\-\\-", f);
        for (const char *p = o->name; *p; p++) fprintf(f, *p == '-' ? "\\-" : "%c", *p);
        fputs("\\fR", f);
        if (o->kind != WEFT_OPTION_FLAG)
            fprintf(f, o->optional ? "[=\\fI%s\\fR]" : " \\fI%s\\fR",
                    o->metavar ? o->metavar : "WORD");
        fputc('\n', f);
        roff(f, o->help);
        if (o->choices) {
            fputs(".br\n", f);
            roff(f, o->choices);
        }
    }
    fputs(".TP\n\\fB\\-h\\fR, \\fB\\-\\-help\\fR\nhelp\n", f);
}

static void man_end(FILE *f)
{
    fputs(
        ".SH EXIT STATUS\n"
        "0 done, 1 a mistake of weft's own, 2 misused, 3 bad data, 4 bad model or "
        "checkpoint file, 5 reading or writing failed, 6 out of memory or over a limit, "
        "7 training diverged, 128 + N stopped by signal N.\n"
        ".SH ENVIRONMENT\n"
        ".B WEFT_NUM_THREADS\nand\n.B OMP_NUM_THREADS\n"
        "give the number of threads where \\-\\-threads does not;\n.B WEFT_ISA\n"
        "(scalar, avx2, avx512, neon) forces an instruction set.\n",
        f);
}

static void man_overview(FILE *f)
{
    fprintf(f,
            ".TH WEFT 1 \"\" \"weft %s\" \"User Commands\"\n.SH NAME\n"
            "weft \\- train and run neural networks on a CPU\n.SH SYNOPSIS\n"
            ".B weft\n\\fICOMMAND\\fR ...\n.SH COMMANDS\n",
            weft_version());
    for (int i = 0; i < command_total(); i++) {
        fprintf(f, ".TP\n\\fBweft\\-%s\\fR(1)\n", command_at(i)->name);
        roff(f, command_summary(i));
    }
    man_end(f);
}

void help_man(FILE *f, const command *c)
{
    if (!c) {
        man_overview(f);
        return;
    }
    fprintf(f, ".TH WEFT-%s 1 \"\" \"weft %s\" \"User Commands\"\n.SH NAME\nweft-%s \\- ",
            c->name, weft_version(), c->name);
    for (int i = 0; i < command_total(); i++)
        if (command_at(i) == c) roff(f, command_summary(i));
    fprintf(f, ".SH SYNOPSIS\n.B weft %s\n", c->name);
    roff(f, c->arguments);
    fputs(".SH DESCRIPTION\n", f);
    roff(f, c->about);
    fputs(".SH OPTIONS\n", f);
    man_options(f, c);
    if (c->examples) {
        fputs(".SH EXAMPLES\n.nf\n", f);
        roff(f, c->examples);
        fputs(".fi\n", f);
    }
    man_end(f);
}
