/* help.h: texts made from the tables of options. */
#ifndef WEFT_CLI_HELP_H
#define WEFT_CLI_HELP_H

#include "option.h"

/* A man page in roff; NULL: of weft as a whole. */
void help_man(FILE *f, const command *c);

/* completion.c: a script for the shell: "bash", "zsh" or "fish". */
void help_completion(FILE *f, const char *shell);

#endif
