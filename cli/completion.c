/* completion.c: shell completion, from the tables of options. */
#include "help.h"

#include <stdio.h>
#include <string.h>

/* Rows of c that are options. */
#define EACH_OPTION(o, c) \
    for (int at = 0; at >= 0; at = -1) \
        for (const option_row *o; (o = command_option(c, &at)) != NULL;)

/* Choices as words: '|' becomes a space. */
static void words(FILE *f, const char *choices)
{
    for (; choices && *choices; choices++) fputc(*choices == '|' ? ' ' : *choices, f);
}

/* Text inside single quotes; the letters of `special` get a backslash. */
static void quoted(FILE *f, const char *text, const char *special)
{
    for (; *text; text++) {
        if (*text == '\'')
            fputs("'\\''", f);
        else if (strchr(special, *text))
            fprintf(f, "\\%c", *text);
        else
            fputc(*text, f);
    }
}

/* ---- bash ---- */

static void bash_command(FILE *f, const command *c)
{
    fprintf(f, "    %s)\n        case $previous in\n", c->name);
    EACH_OPTION(o, c)
    {
        if (!o->choices) continue;
        fprintf(f, "        --%s) COMPREPLY=($(compgen -W '", o->name);
        words(f, o->choices);
        fputs("' -- \"$word\")); return;;\n", f);
    }
    fputs("        esac\n        options='--help", f);
    EACH_OPTION(o, c) fprintf(f, " --%s", o->name);
    fputs("';;\n", f);
}

static void bash(FILE *f)
{
    fputs(
        "# bash completion for weft; made by `weft help --completion bash`\n_weft()\n{\n"
        "    local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]} "
        "options\n"
        "    if [ \"$COMP_CWORD\" -eq 1 ]; then\n        COMPREPLY=($(compgen -W '",
        f);
    for (int i = 0; i < command_total(); i++) fprintf(f, "%s ", command_at(i)->name);
    fputs("' -- \"$word\")); return\n    fi\n    case ${COMP_WORDS[1]} in\n", f);
    for (int i = 0; i < command_total(); i++) bash_command(f, command_at(i));
    fputs("    esac\n    case $word in\n"
          "    -*) COMPREPLY=($(compgen -W \"$options\" -- \"$word\"));;\n"
          "    *) COMPREPLY=($(compgen -f -- \"$word\"));;\n    esac\n}\n"
          "complete -o filenames -F _weft weft\n",
          f);
}

/* ---- zsh ---- */

static void zsh_option(FILE *f, const option_row *o)
{
    fprintf(f, " \\\n            '--%s%s[", o->name,
            o->kind == WEFT_OPTION_FLAG ? ""
            : o->optional               ? "=-"
                                        : "=");
    quoted(f, o->help, "[]:\\");
    fputc(']', f);
    if (o->kind != WEFT_OPTION_FLAG)
        fprintf(f, ":%s%s:", o->optional ? ":" : "", o->metavar ? o->metavar : "WORD");
    if (o->choices) {
        fputc('(', f);
        words(f, o->choices);
        fputc(')', f);
    } else if (o->kind == WEFT_OPTION_TEXT) {
        fputs("_files", f);
    }
    fputc('\'', f);
}

static void zsh(FILE *f)
{
    fputs("#compdef weft\n# zsh completion for weft; made by `weft help --completion "
          "zsh`\n_weft() {\n    local -a commands\n    commands=(\n",
          f);
    for (int i = 0; i < command_total(); i++) {
        fprintf(f, "        '%s:", command_at(i)->name);
        quoted(f, command_summary(i), ":\\");
        fputs("'\n", f);
    }
    fputs("    )\n    if (( CURRENT == 2 )); then\n        _describe command commands\n"
          "        return\n    fi\n    (( CURRENT-- ))\n    shift words\n"
          "    case $words[1] in\n",
          f);
    for (int i = 0; i < command_total(); i++) {
        const command *c = command_at(i);
        fprintf(f, "        %s) _arguments '--help[help]'", c->name);
        EACH_OPTION(o, c) zsh_option(f, o);
        fputs(" \\\n            '*:file:_files' ;;\n", f);
    }
    /* as a file in $fpath it is called, read with `source` it declares itself */
    fputs("    esac\n}\nif [ \"$funcstack[1]\" = _weft ]; then\n    _weft \"$@\"\nelse\n"
          "    compdef _weft weft\nfi\n",
          f);
}

/* ---- fish ---- */

static void fish(FILE *f)
{
    fputs("# fish completion for weft; made by `weft help --completion fish`\n", f);
    for (int i = 0; i < command_total(); i++) {
        const command *c = command_at(i);
        fprintf(f, "complete -c weft -n __fish_use_subcommand -a %s -d '", c->name);
        quoted(f, command_summary(i), "\\");
        fputs("'\n", f);
        EACH_OPTION(o, c)
        {
            fprintf(f, "complete -c weft -n '__fish_seen_subcommand_from %s' -l %s",
                    c->name, o->name);
            if (o->kind != WEFT_OPTION_FLAG && !o->optional) fputs(" -r", f);
            if (o->choices) {
                fputs(" -a '", f);
                words(f, o->choices);
                fputs("'", f);
            }
            fputs(" -d '", f);
            quoted(f, o->help, "\\");
            fputs("'\n", f);
        }
    }
}

void help_completion(FILE *f, const char *shell)
{
    if (!strcmp(shell, "bash"))
        bash(f);
    else if (!strcmp(shell, "zsh"))
        zsh(f);
    else
        fish(f);
}
