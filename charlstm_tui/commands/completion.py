"""`charlstm-tui completion`: print the script by which a shell completes the program's commands, options and names.

click does the work: at each TAB, the script starts the program with a variable set, and click answers with proposals.
What is proposed for the values of options is in `proposals.py`. The scripts replace click's own for three reasons: they
start the program by the path that was typed, since it may be in a virtual environment that is not active; they propose
names and files together; and they add no space after `hidden_size=`. What they read is formatted here too, since click
changes its formats together with its scripts.
"""

import os
import re
from pathlib import Path
from typing import Any, ClassVar

import click
from click.shell_completion import (
    BashComplete,
    CompletionItem,
    FishComplete,
    ShellComplete,
    ZshComplete,
    add_completion_class,
)

from core.errors import UserError

PROGRAM = "charlstm-tui"
VARIABLE = "_CHARLSTM_TUI_COMPLETE"
"""Variable by which a script asks for proposals, as click names it."""

_BASH = r"""# Completion of %(prog_name)s. Add this line to ~/.bashrc:  eval "$(%(prog_name)s completion bash)"
%(complete_func)s() {
    local program=${1/#\~/$HOME} type value files=
    COMPREPLY=()
    while IFS=, read -r type value; do
        case $type in
            plain) COMPREPLY+=("$value"); [[ $value == *= ]] && compopt -o nospace;;
            dir|file) files=$type;;
        esac
    done < <(
        IFS=$'\n'
        COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD %(complete_var)s=bash_complete "$program" 2>/dev/null
    )
    if [[ $files == dir ]]; then
        compopt -o dirnames
    elif [[ $files == file && ${#COMPREPLY[@]} -eq 0 ]]; then
        compopt -o default
    elif [[ $files == file ]]; then
        compopt -o filenames
        mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "$2")
    fi
}
if (( BASH_VERSINFO[0] * 100 + BASH_VERSINFO[1] >= 404 )); then
    complete -o nosort -F %(complete_func)s %(prog_name)s
else
    echo "%(prog_name)s: completion needs bash 4.4 or newer, and this is bash $BASH_VERSION." >&2
fi
"""

_ZSH = r"""#compdef %(prog_name)s
# Completion of %(prog_name)s. Add this line to ~/.zshrc:  eval "$(%(prog_name)s completion zsh)"
%(complete_func)s() {
    local program=${words[1]/#\~/$HOME} type value help
    local -a plain unfinished described response
    response=("${(@f)$(COMP_WORDS="${words[*]}" COMP_CWORD=$((CURRENT-1)) %(complete_var)s=zsh_complete \
        "$program" 2>/dev/null)}")
    [[ ${words[CURRENT]} == -*=* ]] && compset -P 1 '*='
    for type value help in "${(@)response}"; do
        case $type in
            dir) _path_files -/;;
            file) _path_files -f;;
            plain)
                if [[ $value == *= ]]; then
                    unfinished+=("$value")
                elif [[ $help == _ ]]; then
                    plain+=("$value")
                else
                    described+=("$value:$help")
                fi;;
        esac
    done
    (( $#described )) && _describe -V unsorted described
    (( $#plain )) && compadd -V unsorted -a plain
    (( $#unfinished )) && compadd -V unsorted -S '' -a unfinished
}
if [[ $funcstack[1] == _%(prog_name)s ]]; then  # a file in the fpath, which is the function itself
    %(complete_func)s "$@"
else
    (( $+functions[compdef] )) || { autoload -Uz compinit && compinit -i }
    compdef %(complete_func)s %(prog_name)s
fi
"""

_FISH = r"""# Completion of %(prog_name)s. Save it as ~/.config/fish/completions/%(prog_name)s.fish
function %(complete_func)s
    set -l program (string replace -r '^~' "$HOME" -- (commandline -opc)[1])
    for proposal in (env %(complete_var)s=fish_complete COMP_WORDS=(commandline -cp) COMP_CWORD=(commandline -t) \
            $program 2>/dev/null)
        set -l parts (string split -m 1 -- , $proposal)
        switch $parts[1]
            case dir
                __fish_complete_directories $parts[2]
            case file
                __fish_complete_path $parts[2]
            case plain
                echo $parts[2]
        end
    end
end
complete --no-files --command %(prog_name)s --arguments '(%(complete_func)s)'
"""


class _Quiet(ShellComplete):
    """Proposes nothing where proposals cannot be made: a message would be printed into the line that is typed."""

    def get_completions(self, args: list[str], incomplete: str) -> "list[CompletionItem[str]]":
        """Return the proposals for an incomplete word."""
        try:
            return super().get_completions(args, incomplete)
        except (click.ClickException, UserError, OSError, RuntimeError):
            return []


class Bash(_Quiet, BashComplete):
    """Completion in bash, which takes `=` and `:` for words of their own."""

    source_template: ClassVar[str] = _BASH
    _cut = 0

    def source(self) -> str:
        """Return the script. It checks the version of the bash that reads it."""
        return ShellComplete.source(self)

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the words before the cursor and the incomplete one, as they were typed."""
        args, incomplete = super().get_completion_args()
        words = joined_words([*args, incomplete])
        value = words[-1].partition("=")[2] if words[-1].startswith("-") else words[-1]
        self._cut = 1 + max(value.rfind("="), value.rfind(":"))
        return words[:-1], words[-1]

    def format_completion(self, item: "CompletionItem[Any]") -> str:
        """Return the line for a proposal: only what is to be inserted after the last `=` or `:`."""
        return f"{item.type},{item.value[self._cut :]}" if item.type == "plain" else f"{item.type},"


class Zsh(_Quiet, ZshComplete):
    """Completion in zsh."""

    source_template: ClassVar[str] = _ZSH

    def format_completion(self, item: "CompletionItem[str]") -> str:
        """Return three lines for a proposal. A colon separates the value from its help."""
        value = item.value.replace(":", r"\:") if item.help else item.value
        return f"{item.type}\n{value}\n{_in_one_line(item.help) if item.help else '_'}"


class Fish(_Quiet, FishComplete):
    """Completion in fish, which wants the whole word, also that of an option with its value."""

    source_template: ClassVar[str] = _FISH
    _option = ""

    def get_completion_args(self) -> tuple[list[str], str]:
        """Return the words before the cursor and the incomplete one."""
        args, incomplete = super().get_completion_args()
        option, equals, _ = incomplete.partition("=")
        self._option = option + equals if equals and option.startswith("-") else ""
        return args, incomplete

    def format_completion(self, item: "CompletionItem[str]") -> str:
        """Return the line for a proposal."""
        if item.type != "plain":
            return f"{item.type},{item.value}"
        help_text = f"\t{_in_one_line(item.help)}" if item.help else ""
        return f"plain,{self._option}{item.value}{help_text}"


SHELLS: dict[str, type[ShellComplete]] = {"bash": Bash, "zsh": Zsh, "fish": Fish}


def _in_one_line(text: str) -> str:
    return " ".join(text.split())


def register_shells() -> None:
    """Let click use these classes. Called before it answers a script."""
    for shell in SHELLS.values():
        add_completion_class(shell)


def joined_words(words: list[str]) -> list[str]:
    """Return words as they were typed, after bash has split them at `=` and `:`; the last one may be empty."""
    joined: list[str] = []
    is_open = False
    for word in words:
        separates = re.fullmatch("[=:]+", word) is not None
        if joined and (separates or is_open):
            joined[-1] += word
        else:
            joined.append(word)
        is_open = separates
    return joined


@click.command("completion", short_help="Print the completion script of a shell.")
@click.argument("shell", required=False, type=click.Choice([*SHELLS]))
@click.pass_context
def completion_command(ctx: click.Context, shell: str | None) -> None:
    """Print the script by which bash, zsh or fish completes commands, options, names and files at TAB.

    The default is the shell that the variable SHELL names. To install it, once:

    \b
    bash  echo 'eval "$(charlstm-tui completion bash)"' >> ~/.bashrc
    zsh   echo 'eval "$(charlstm-tui completion zsh)"' >> ~/.zshrc
    fish  charlstm-tui completion fish > ~/.config/fish/completions/charlstm-tui.fish

    Then open a new shell. bash must be 4.4 or newer; macOS has an older one. If the program is not on the PATH, write
    its path in that line.
    """
    shell = shell or Path(os.environ.get("SHELL", "")).name.removesuffix(".exe")
    if shell not in SHELLS:
        raise UserError(f"Name your shell: {', '.join(f'charlstm-tui completion {name}' for name in SHELLS)}.")
    click.echo(SHELLS[shell](ctx.find_root().command, {}, PROGRAM, VARIABLE).source(), nl=False)
