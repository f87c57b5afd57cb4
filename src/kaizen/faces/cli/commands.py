"""The table of commands: what each is called, takes and says of itself, and which function answers it."""

from typing import NamedTuple


class Option(NamedTuple):
    """One word of a command: an argument by its place, or an option by its name."""

    names: tuple[str, ...]
    says: str
    metavar: str = ""
    kind: str = "text"
    many: str = ""
    """How many words an argument takes: ``?`` none or one, ``+`` some, ``*`` any, ``--`` all behind two dashes; one if empty.

    An option with any may be given again and again.
    """
    flag: bool = False
    required: bool = False
    default: object = None
    choices: tuple[str, ...] = ()


class Command(NamedTuple):
    """One command; ``call`` is the module and function here that answers it."""

    name: str
    group: str
    call: str
    says: str
    """One line for the list of commands."""
    example: str
    options: tuple[Option, ...] = ()
    tells: str = ""
    """More than the one line, where it takes more."""


TRAILING = "--"
"""``many`` of an argument that takes all words behind two dashes."""

GROUPS = {
    "begin": "Begin",
    "turn": "Turn the wheel",
    "decide": "Decide",
    "listen": "Listen",
    "look": "Look, changing nothing",
    "keep": "Keep the ledger",
}

OPTIONS = (
    Option(("--recipe",), "the recipe, or the folder it is in (default: kaizen.toml here or above)", "PLACE"),
    Option(("--ledger",), "the ledger: a file, sqlite:///FILE or memory: (default: beside the recipe)", "PLACE"),
    Option(("--json",), "print JSON for programs, errors too", flag=True),
    Option(("--debug",), "print the traceback of an error", flag=True),
)
"""What every command takes."""

_PROCESS = Option(("process",), "the process's name", "PROCESS")
_ONLY = Option(("process",), "the process's name; may be left out where the recipe has only one", "PROCESS", many="?")
_BY = Option(("--by",), "whose word it is", "NAME", required=True)
_BY_ME = Option(("--by",), "whose word it is (default: me)", "NAME", default="me")
_BY_HOLDER = Option(("--by",), "whose answer it is (default: who has the run)", "NAME")
_RUN = Option(("run",), "the run's number, as ask said it", "RUN", kind="whole")
_READING = Option(("values",), "a number for every metric", "METRIC=VALUE", many="+")
_CHANGES = Option(("values",), "what it changes of today's standard", "NAME=VALUE", many="+")
_BECAUSE = Option(("--because",), "why", "TEXT", required=True)
_NOTE = Option(("note",), "a note to keep with it", "NOTE", many="?", default="")
_TRIAL = Option(("--trial",), "which trial (default: the one that waits)", "N", kind="whole")
_DIFF = Option(("--diff",), "the change of code as git diff prints it: a file, or - for standard input", "FILE")
_KEY = Option(("--key",), "a name for this answer or proposal: sent twice, it counts once", "KEY", default="")
_MONEY = Option(("--money",), "what the run cost", "M", kind="number", default=0.0)
_SECONDS = Option(("--seconds",), "how long the run took", "S", kind="number", default=0.0)
_MAP = Option(("--map",), "what columns are: lr=setting,loss=metric,note=words … (also status, fault, condition, revision, "
              "seconds, time, ignore)", "COLUMN=ROLE,…")  # fmt: skip
_BETTER = Option(("--better",), "lower or higher, or by metric: loss=lower,accuracy=higher", "WAY")

COMMANDS = (
    Command(
        "init", "begin", "keeping:init", "write a kaizen.toml to start from", "kaizen init",
        tells="Write a kaizen.toml to start from, here or where --recipe says. One that is there is never overwritten.",
    ),
    Command("demo", "begin", "keeping:demo", "see Kaizen improve something, here and now", "kaizen demo"),
    Command(
        "attach", "begin", "attach:attach", "let every commit of a git repository ask the veteran first", "kaizen attach --process speed",
        (
            Option(("--process",), "the process that commits are of (default: the recipe's only one, else the folder's name)", "NAME"),
            Option(("--log",), "the loop's own log (default: results.tsv and its kin, at the top of the repository)", "FILE"),
            Option(("--strict",), "hold a commit back that failed before with nothing changed since, until its message says what "
                   "is different", flag=True),
            Option(("--mcp",), "make .mcp.json, too, where there is none", flag=True),
            Option(("--yes",), "do it without asking", flag=True),
        ),
        "Show what would change here, ask, and do it: a commit-msg hook that runs behind the one there is, Kaizen's server "
        "in the configuration of known clients, a few lines in the agent's instructions. The agent's loop stays as it is: "
        "its commits are remembered, and the next kaizen command finds out what became of them.",
    ),
    Command(
        "detach", "begin", "attach:detach", "undo attach, to the byte", "kaizen detach",
        tells="Undo what attach did. What was there before comes back to the byte; of a file that somebody has changed since, "
        "only our part is taken out. What is remembered stays.",
    ),
    Command(
        "improve", "turn", "improve:improve", "improve a process with workers on this machine",
        "kaizen improve pack --runs 120 --workers 2",
        (
            Option(("process",), "a process of the recipe, or an improvable function as module:function or "
                   "path.py:function; may be left out where the recipe has only one process", "PROCESS", many="?"),
            Option(("--runs",), "the budget of runs in all, or +N for so many more", "N|+N", kind="runs"),
            Option(("--seconds",), "the budget of running time in all, such as 600 or '10 min'", "S"),
            Option(("--money",), "the budget of money told, in all", "M", kind="number"),
            Option(("--workers",), "how many runs at a time (default: 1)", "W", kind="whole", default=1),
            Option(("--by",), "in whose name (default: kaizen)", "NAME", default="kaizen"),
            Option(("--quiet",), "say only the end", flag=True),
        ),
        "Turn the wheel until the budget is spent or nothing is left to try. Ctrl-C finishes what is under way; a "
        "second one stops at once. Nothing is lost either way: the same command goes on where it stopped.",
    ),
    Command(
        "import", "keep", "foreign:bring", "bring in what was tried elsewhere", "kaizen import results.tsv --process speed",
        (
            Option(("source",), "a file or folder: results.tsv, log.jsonl, CSV, JSON lines, Parquet, an export of Kaizen, a "
                   "store of Optuna or MLflow, a folder of Ray Tune or MLflow", "SOURCE"),
            Option(("--process",), "the process it is of (default: as the source calls it)", "NAME"),
            _MAP, _BETTER, _BY_ME,
        ),
        "Read what was tried elsewhere and report it: runs that teach, and prove nothing. What a loop kept becomes a declared "
        "standard. Faults stay faults; rows that cannot be read are listed; importing again adds only what is new.",
    ),
    Command(
        "autopsy", "look", "foreign:autopsy", "tell what a log tries again in vain, and which keeps may be luck",
        "kaizen autopsy results.tsv -o autopsy.html",
        (
            Option(("logs",), "anything that kaizen import reads", "LOG", many="+"),
            Option(("-o",), "write a page, too: one HTML file", "FILE"),
            Option(("--each",), "what one trial takes, such as '5 min' (default: as the log tells)", "TIME"),
            Option(("--process",), "which one, where a source holds several", "NAME"),
            _MAP, _BETTER,
        ),
        "Tell what a log holds, with nothing configured: ideas tried again after they had failed, keeps smaller than the log's "
        "own noise, what rejections have in common, and what the nod would have saved. Nothing is written but the page.",
    ),
    Command(
        "noise", "turn", "noise:noise", "run today's standard again and tell how far readings differ",
        "kaizen noise pack -n 20 --every 30",
        (
            Option(("process",), "a process of the recipe, or an improvable function, as for improve; may be left out "
                   "where the recipe has only one process", "PROCESS", many="?"),
            Option(("-n",), "how often it shall have been run in all, or +N for so many more (default: 20; by hand, "
                   "none); 0 only tells", "N|+N", kind="runs"),
            Option(("--every",), "seconds from one start to the next, such as 30 or '5 min' (default: at once)", "S"),
            Option(("--by",), "in whose name (default: kaizen)", "NAME", default="kaizen"),
            Option(("--quiet",), "say only the end", flag=True),
        ),
        "Run today's standard again and again, and tell per metric its level, sd, drift and memory, and the smallest "
        "gain that pairs can prove. Where hands do the work, the runs are queued, to be asked for and told. Every run "
        "teaches the planner, the budget pays for it, and the same command goes on where it stopped.",
    ),
    Command(
        "prove", "turn", "prove:prove", "tell whether one revision of the code is better than another",
        "kaizen prove HEAD~1..HEAD -- make bench",
        (
            Option(("revisions",), "two commits, branches or tags; no NEW is the working tree as it is, no OLD is HEAD, and "
                   "OLD...NEW begins where they parted. With --declared a process or a log", "OLD..NEW", many="?"),
            Option(("work",), "the command, run in a checkout of each; one word is given to the shell as it is", "COMMAND",
                   many=TRAILING),
            Option(("--metric",), "what is judged: seconds, cpu_seconds or peak_memory as measured, or a number from JSON on "
                   "the last line of the output (default: seconds)", "NAME", many="*"),
            Option(("--pattern",), "read a number by a regular expression with one group", "NAME=REGEX", many="*"),
            Option(("--better",), "lower or higher (default: lower)", "[NAME=]WORD", many="*"),
            Option(("--worthwhile",), "the smallest difference worth telling (default: 1%)", "[NAME=]GAIN", many="*"),
            Option(("--margin",), "the largest loss tolerated beside a gain elsewhere (default: as worthwhile)", "[NAME=]LOSS",
                   many="*"),
            Option(("--scale",), "ratio or difference (default: ratio)", "[NAME=]WORD", many="*"),
            Option(("--exact",), "a metric that always repeats: one pair decides", "NAME", many="*"),
            Option(("--build",), "a command that runs once in each checkout", "COMMAND", default=""),
            Option(("--pairs",), "the most pairs (default: 40)", "N", kind="whole", default=40),
            Option(("--alpha",), "the chance of a false answer (default: 0.05)", "P", kind="number", default=0.05),
            Option(("--warmup",), "runs of each that are made first and not counted (default: 1)", "N", kind="count", default=1),
            Option(("--within",), "the limit of one run, such as '60 s' (default: none)", "S"),
            Option(("--process",), "take command, metrics and settings of a process of the recipe", "NAME"),
            Option(("--again",), "ask anew what was answered, with an α of its own", flag=True),
            Option(("--declared",), "ask about all that a loop kept without proof, each keep against the standard before it: of the "
                   "process that is named, or of a log (default: of the only process with such keeps)", flag=True),
            Option(("--at-most",), "with --declared: so many questions now, and the others another time", "N", kind="whole"),
            Option(("--quiet",), "say only the end", flag=True),
        ),
        "Tell whether NEW is better or worse than OLD, by randomised pairs of runs in checkouts of their own, as soon as it "
        "can be told. The working tree is never touched. The same command goes on where it was interrupted. The exit "
        "status is 0 for better, 1 for worse, 3 where there is no worthwhile difference or it cannot be told.",
    ),
    Command(
        "ask", "turn", "verbs:ask", "take a run to make", "kaizen ask coffee --by ana",
        (
            _PROCESS, _BY,
            Option(("-n",), "how many to have in hand (default: 1)", "N", kind="whole", default=1),
            Option(("--more",), "take so many more than are in hand", flag=True),
        ),
        "Take a run to make, by hand or by a program of your own. What you have in hand already comes first.",
    ),
    Command(
        "tell", "turn", "verbs:tell", "report what a run measured", "kaizen tell coffee 3 taste=7.5",
        (_PROCESS, _RUN, _READING, _BY_HOLDER, _KEY, _MONEY, _SECONDS),
    ),
    Command(
        "fault", "turn", "verbs:fault", "report that a run gave no reading", 'kaizen fault coffee 4 "machine leaked"',
        (
            _PROCESS, _RUN, _NOTE,
            Option(("--reason",), "a word for it: crash, timeout, memory, constraint, told … (default: told)", "WORD",
                   default="told"),
            _BY_HOLDER, _KEY, _MONEY, _SECONDS,
        ),
    ),
    Command(
        "correct", "turn", "verbs:correct", "replace a mistyped reading",
        'kaizen correct coffee 3 taste=5.7 --because "digits swapped"',
        (_PROCESS, _RUN, _READING, _BECAUSE, _BY_ME),
        "Replace a mistyped reading. The trial it was in is judged again, and both verdicts are kept and shown.",
    ),
    Command(
        "propose", "turn", "verbs:propose", "propose an increment for a trial",
        'kaizen propose coffee grind=11 --because "a finer grind is sweeter" --by ana',
        (
            _PROCESS, _CHANGES, _BECAUSE, _BY,
            Option(("--different",), "what is different now, where something like it had failed", "TEXT", default=""),
            _KEY, Option(("--words",), "what is changed, in a sentence that is remembered", "TEXT", default=""), _DIFF,
        ),
        "Propose an increment of today's standard for a trial. The veteran's nod comes with it, and never blocks; a policy "
        "with reasons asks what is different now, where the veteran warns.",
    ),
    Command(
        "carry", "turn", "lending:carry", "propose what related processes have proven", "kaizen carry coffee --by ana",
        (_PROCESS, _BY_ME),
        "Propose for trials here what was proven in related processes, of this ledger and of those attached to it, each with the "
        "veteran's nod. Left out, with the reason, is what was tried here, does not fit, or goes the other way. Asked again, it "
        "proposes nothing twice; a policy that says carry on needs no asking.",
    ),
    Command(
        "mcp", "turn", "serving:mcp", "serve these verbs to agents (Model Context Protocol)", "kaizen mcp --by scout",
        (
            Option(("--by",), "in whose name all calls are (default: each call says so)", "NAME", default=""),
            Option(("--http",), "serve by streamable HTTP, on this machine alone, instead of standard input and output",
                   flag=True),
            Option(("--port",), "which port; 0 is any (default: 8737)", "N", kind="count"),
            Option(("--token-file",), "take the bearer token from a file (default: from KAIZEN_MCP_TOKEN; else a new one, "
                   "printed once)", "FILE"),
        ),
        "Serve the verbs as tools to agents, until the client is gone. Any number of servers, commands and workers may "
        "use one ledger at once. It takes kaizen-engine[mcp].",
    ),
    Command(
        "nod", "look", "memory:nod", "ask the veteran about an increment", "kaizen nod coffee grind=11",
        (
            _ONLY, Option(("words",), "what it changes of today's standard: values, or a sentence", "NAME=VALUE|WORDS", many="*"),
            _DIFF,
        ),
        "Ask the veteran what is known of an increment, before anything is spent on it: in values, in words, or by its change of code.",
    ),
    Command(
        "consent", "decide", "verbs:consent", "agree to adopt what is proven",
        'kaizen consent coffee --by ana "clearly sweeter"', (_PROCESS, _BY, _NOTE, _TRIAL),
    ),
    Command(
        "refuse", "decide", "verbs:refuse", "decline to adopt what is proven",
        'kaizen refuse coffee --by ana "too slow in the morning"', (_PROCESS, _BY, _NOTE, _TRIAL),
    ),
    Command(
        "rollback", "decide", "verbs:rollback", "go back to an earlier standard",
        'kaizen rollback coffee --because "customers complain" --to 1',
        (
            _PROCESS, _BECAUSE,
            Option(("--to",), "which standard (default: the one before)", "N", kind="whole"),
            _BY_ME,
        ),
    ),
    Command(
        "retract", "decide", "verbs:retract", "say that a lesson no longer holds",
        'kaizen retract coffee 2 "the hose leaked that day" --by ana',
        (
            _PROCESS, Option(("lesson",), "the lesson's number, as lessons said it", "LESSON", kind="whole"),
            Option(("because",), "why", "BECAUSE"), _BY,
        ),
        "Say that a lesson no longer holds: its trial was not fair. The veteran still tells of it, and no longer counts it.",
    ),
    Command(
        "voice", "listen", "verbs:voice", "write down a customer's word",
        'kaizen voice coffee "bitter since Monday" --by tom --theme taste',
        (
            _PROCESS, Option(("text",), "what was said", "TEXT"), _BY,
            Option(("--theme",), "what it is about", "THEME", default=""),
        ),
    ),
    Command(
        "teach", "listen", "verbs:teach", "write down what somebody knows without data",
        'kaizen teach coffee "never above 95: it scalds" --that "celsius <= 95" --confidence 0.9 --by ana',
        (
            _PROCESS, Option(("text",), "what is known, in words", "TEXT"), _BY,
            Option(("--that",), "what settings should keep, as a constraint; else worse readings or faults are expected",
                   "CONSTRAINT", default=""),
            Option(("--near",), "where good settings are expected: values, with a comma between them", "NAME=VALUE",
                   default=""),
            Option(("--confidence",), "how sure it is, above 0 and below 1 (default: 0.8)", "C", kind="number"),
        ),
        "Write down what somebody knows without data. The nod heeds it as far as its own record carries: two runs that "
        "contradict it leave nothing. It is one of a region (--that), of a place (--near), or words for people alone.",
    ),
    Command(
        "andon", "listen", "verbs:andon", "pull the stop cord",
        'kaizen andon coffee "it smells burnt" --by ana',
        (_PROCESS, Option(("because",), "why", "BECAUSE"), _BY),
        "Pull the stop cord: nothing new is handed out until somebody clears it.",
    ),
    Command(
        "clear", "listen", "verbs:clear", "clear the andon, by name",
        'kaizen clear coffee "hose replaced" --by ana',
        (_PROCESS, Option(("note",), "what was done about it", "NOTE"), _BY),
    ),
    Command(
        "show", "look", "reading:show", "show where a process stands, or all of them", "kaizen show coffee",
        (
            Option(("process",), "the process's name; all of them in a line each if left out", "PROCESS", many="?"),
            Option(("--run",), "show one run", "N", kind="whole"),
            Option(("--trial",), "show one trial with its pairs", "N", kind="whole"),
        ),
    ),
    Command(
        "outlook", "look", "reading:outlook", "say what proof will take", "kaizen outlook coffee", (_ONLY,),
        "Say what proof of a worthwhile gain will take, in pairs of runs; and what is left of the error budget.",
    ),
    Command(
        "plan-trial", "look", "noise:plan_trial", "say what the proof of a gain takes", "kaizen plan-trial pack --gain 2%",
        (
            _ONLY,
            Option(("--gain",), "the gain to prove: 2% or 0.02 by ratio, units by difference", "GAIN", required=True),
            Option(("--metric",), "of which metric (default: the only noisy one)", "NAME"),
            Option(("--odds",), "the odds of proof that are wanted (default: 0.8)", "P", kind="number", default=0.8),
            Option(("--sd",), "the sd of a pair's difference (default: as readings show)", "SD"),
        ),
        "Say how many pairs the proof of a gain takes at the level of the next trial, with which odds, and what it "
        "spends; the smallest gain that can be proven; and what would help where it cannot be afforded.",
    ),
    Command(
        "explain", "look", "reading:explain", "say what drives the metrics, by a model", "kaizen explain coffee",
        (_ONLY,),
        "Say which parameters drive each metric and what is expected along them, by a model of all runs that still "
        "compare; and how well it foretells settings that were left out.",
    ),
    Command(
        "check", "look", "reading:check", "show the verdict on a trial as it stands", "kaizen check coffee 2",
        (_PROCESS, Option(("trial",), "which trial (default: the latest)", "TRIAL", kind="whole", many="?")),
    ),
    Command(
        "standard", "look", "reading:standard", "show today's standard and what it rests on", "kaizen standard coffee",
        (_ONLY, Option(("--all",), "all standards there were", flag=True)),
    ),
    Command(
        "lessons", "look", "memory:lessons", "show what was learnt", "kaizen lessons coffee grind",
        (
            _PROCESS, Option(("word",), "only lessons with this word in them", "WORD", many="?", default=""),
            Option(("--parameter",), "only lessons about this parameter", "NAME", default=""),
            Option(("--everywhere",), "those of all other processes, too, and of attached ledgers", flag=True),
        ),
        "Show what was learnt: a sentence each, its grade and scope, the trial that it rests on, later trials that "
        "contradict it, and what people know without data.",
    ),
    Command(
        "veteran", "look", "memory:veteran", "show what the veteran knows, and whether its odds held",
        "kaizen veteran coffee --calibration",
        (_ONLY, Option(("--calibration",), "show the odds of past nods beside what happened", flag=True)),
        "Show what is remembered of a process and beside it, and what was learned of the past: how much a failure tells "
        "since the standard moved, under other conditions, from another process.",
    ),
    Command(
        "log", "look", "reading:log", "show what happened, a record a line", "kaizen log coffee -n 10",
        (_ONLY, Option(("-n",), "so many latest records (default: 30)", "N", kind="whole", default=30)),
    ),
    Command(
        "report", "look", "reading:report", "write a page for people: one HTML file",
        "kaizen report coffee -o coffee.html",
        (
            _ONLY, Option(("-o",), "the file, or - (default: PROCESS.html here)", "FILE"),
            Option(("--text",), "print a summary in plain text instead", flag=True),
        ),
    ),
    Command(
        "export", "look", "reading:export", "write a table for other tools",
        "kaizen export coffee --what runs --format csv -o runs.csv",
        (
            _ONLY,
            Option(("--what",), "runs, trials, standards, lessons or log (default: runs)", "TABLE", default="runs"),
            Option(("--format",), "csv, jsonl or parquet (default: csv)", "FORMAT", default="csv"),
            Option(("-o",), "the file (default: printed)", "FILE"),
        ),
    ),
    Command(
        "audit", "look", "reading:audit", "ask the record whether promises and coins were kept", "kaizen audit coffee",
        (
            _ONLY,
            Option(("--flips",), "throw the coins of real pairs anew so often (default: 200)", "N", kind="whole",
                   default=200),
        ),
        "Ask the record of a process about itself: were trials judged as they were frozen, did the sides run in the "
        "order of their coins, do verdicts come again, how often is anything found better where chance alone is at "
        "work, how often was a copy of the standard judged better; and what adopted standards promised and deliver. "
        "The exit status is 1 if an answer is no.",
    ),
    Command(
        "memory", "keep", "lending:memory", "remember what other ledgers tried, too", "kaizen memory --attach ../north --rename lr=learning_rate",
        (
            Option(("--attach",), "a ledger to remember from: its file, or the folder of its recipe; it is only read", "PLACE"),
            Option(("--as",), "what to call it here (default: after its folder)", "NAME", default=""),
            Option(("--rename",), "what a parameter there is called here; numbers may be scaled and shifted, as in "
                   "temp_K-273.15=temp_C", "THERE=HERE", many="*"),
            Option(("--detach",), "remember from it no more", "NAME"),
            Option(("--of",), "a process of this ledger that calls parameters otherwise than the others: all renames of it", "PROCESS"),
        ),
        "List the ledgers of others that are attached as memory; attach one, or detach it. What was tried there counts like "
        "what other processes of this ledger tried: in the nod, for the planner, and among lessons. One that cannot be read "
        "is left out, and said.",
    ),
    Command(
        "pack", "keep", "packing:pack", "make a pack of advice to give away, attack one, ask one", "kaizen pack line_a line_b -o north.json",
        (
            Option(("processes",), "the processes to speak of; of --audit, those to hold it against", "PROCESS", many="*"),
            Option(("-o",), "the pack to write", "FILE"),
            Option(("--as",), "what the pack is called (default: after its file; attached, as its owner says)", "NAME", default=""),
            Option(("--epsilon",), "what it may tell of one run, at most (default: 1)", "E", default="1"),
            Option(("--told",), "how well anybody may tell whether one run is in it, at most: an AUC (default: 0.55)", "AUC", kind="number",
                   default=0.55),
            Option(("--answers",), "how many different questions it answers (default: 250)", "N", kind="whole", default=250),
            Option(("--total",), "what all packs of a process may tell of one run together (default: 4)", "E", kind="number", default=4.0),
            Option(("--audit",), "attack this pack, and print what was found out", "FILE"),
            Option(("--against",), "the ledger that it was made of, to look for its runs, names and readings", "LEDGER"),
            Option(("--attach",), "copy a pack beside the ledger, to be asked with every nod and by the planner", "FILE"),
            Option(("--rename",), "what its owner calls a parameter, and what that is called here", "THERE=HERE", many="*"),
            Option(("--detach",), "ask a pack no more", "NAME"),
        ),
        "Make a pack of advice of what processes know: for every parameter, which half of its range is better, in one of three words, "
        "with noise. It has no settings, readings or names in it. Or attack a pack before it is given away, ask another's from now on, "
        "and list all of it. The exit status of --audit is 1 if a name or reading stands in the file.",
    ),
    Command(
        "doctor", "keep", "keeping:doctor", "check that the ledger is sound", "kaizen doctor",
        tells="Check every page, every hash and every read model of the ledger. The exit status is 1 if it is damaged.",
    ),
    Command(
        "backup", "keep", "keeping:backup", "copy the ledger to a new file, while it is in use",
        "kaizen backup monday.db", (Option(("file",), "the new file", "FILE"),),
    ),
    Command(
        "rebuild", "keep", "keeping:rebuild", "build the read models again from the entries", "kaizen rebuild",
    ),
)  # fmt: skip
