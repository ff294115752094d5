/* help.h: texts made from the tables of options. */
#ifndef WEFT_CLI_HELP_H
#define WEFT_CLI_HELP_H

#include "option.h"

void help_man(FILE *f, const command *c);
void help_bash(FILE *f);
void help_fish(FILE *f);

#endif
