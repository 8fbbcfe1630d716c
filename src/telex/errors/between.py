"""The errors of teams: what a link, a relay or another machine can answer with.

Rules kept here: those of `telex.errors`, of which this is the part that nobody on one machine needs to load.
"""

from __future__ import annotations

from telex.errors import LocalFault, NotFound, Refused, RemoteFault, WrongWords

# --- wrong words: exit status 2 ---------------------------------------------------------------------------


class CodeInvalid(WrongWords):
    """What was given to join a team is no code: nothing was sent, and the code is still good."""

    code = "code-invalid"
    text = "that is no code: {problem}"
    hint = "a code looks like 4-puzzle-orbit; nothing was sent, so it is still good"


class CodeExposed(WrongWords):
    """A code stood in the words of a command, where every user of the machine can read it."""

    code = "code-exposed"
    text = "a code does not belong into the words of a command: every user of this machine can read it there"
    hint = "have a new one made, leave it out and type it when asked; --expose-code takes it all the same"


class ValueUnstorable(WrongWords):
    """A number or a text is beyond what a store can hold: it should have been refused where it came in."""

    code = "value-unstorable"
    text = "a value cannot be stored: {problem}"
    hint = "numbers go up to 2^63, texts are Unicode without halves of characters"


class RelayInsecure(WrongWords):
    """The relay's URL is not https, and not of this very machine."""

    code = "relay-insecure"
    text = "{relay} is not a relay's URL that can be used: {problem}"
    hint = "{advice}"


# --- refused by a limit or a policy: exit status 3 --------------------------------------------------------


class AlreadyLinked(Refused):
    """A telex home belongs to one team at most."""

    code = "already-linked"
    text = "this machine is in the team {team} already, as {machine}"
    hint = "'telex link leave' first; another TELEX_HOME can be in another team"


class OwnersOnly(Refused):
    """Only an owner's machine changes a team."""

    code = "owners-only"
    text = "only an owner can {what}, and this machine is {role}"
    hint = "owners are: {owners}"


class ReadersListen(Refused):
    """A machine that joined as a reader writes to nobody in the team."""

    code = "readers-listen"
    text = "this machine is a reader in {team}: it may not write to {to}"
    hint = "an owner can change that: 'telex link role MACHINE member'"


class LastOwner(Refused):
    """A team always keeps an owner."""

    code = "last-owner"
    text = "{machine} is the only owner of {team}"
    hint = "{advice}"


class NotOneself(Refused):
    """No machine removes itself: whoever makes the team's next key must stay in it."""

    code = "not-oneself"
    text = "a machine cannot remove itself"
    hint = "'telex link leave' here, then 'telex link remove {machine}' on another owner's machine"


# --- not found: exit status 4 -----------------------------------------------------------------------------


class NotLinked(NotFound):
    """The machine is in no team."""

    code = "not-linked"
    text = "this machine is in no team"
    hint = "'telex link join URL' with a code from 'telex link invite' on an owner's machine"


class NameAmbiguous(NotFound):
    """Several machines of the team have somebody of that name, and none is here."""

    code = "name-ambiguous"
    text = "{name} is at several machines: {places}"
    hint = "write the one you mean whole, with its machine"


class MachineUnknown(NotFound):
    """No machine of that name is in the team."""

    code = "machine-unknown"
    text = "no machine {name} is in the team{advice}"
    hint = "'telex link machines' lists them"


class HostedMachineUnknown(NotFound):
    """A relay's operator named a machine that the team never had."""

    code = "hosted-machine-unknown"
    text = "team {team} has no machine {name}"
    hint = "'telex relay team machines TEAM' lists them"


# --- another machine, or what lies between: exit status 1 ---------------------------------------------------


class ChainBroken(RemoteFault):
    """The relay gave a membership record that does not follow from those before it: it is damaged, or lies."""

    code = "chain-broken"
    text = "record {n} of the team's membership is refused: {problem}"
    hint = "the relay or an owner is at fault; nothing was taken over. Ask the relay's operator"


class CodeWrong(RemoteFault):
    """The two who paired did not know the same code: a wrong guess, or somebody between them."""

    code = "code-wrong"
    text = "the code was not the right one, and is void now"
    hint = "ask for a new one: 'telex link invite'; if it was typed right, somebody may be listening in between"


class PairingRefused(RemoteFault):
    """The inviter knows who asks, and does not take it in."""

    code = "pairing-refused"
    text = "the team did not take this machine in: {words}"
    hint = "{advice}"


class PairingLate(RemoteFault):
    """The other side of a pairing said nothing in time."""

    code = "pairing-late"
    text = "the machine that made the code did not answer within {seconds} s"
    hint = "it must be on and reach the relay ('telex link status' there); then make a new code"


class EnvelopeRefused(RemoteFault):
    """Something from another machine is not what it should be: changed, misaddressed, or not by who it says."""

    code = "envelope-refused"
    text = "what came as from the machine {machine} is refused: {problem}"
    hint = "the relay or that machine is at fault; 'telex link status' keeps count"


class EnvelopeEarly(RemoteFault):
    """Something from another machine rests on a membership record that has not come yet."""

    code = "envelope-early"
    text = "what came from the machine {machine} rests on record {n} of the team, which is not here yet"
    hint = "it is read once the record has come"


class TeamKeyMissing(RemoteFault):
    """The team's newest key was not given to this machine."""

    code = "team-key-missing"
    text = "key {key} of the team is not here"
    hint = "an owner's machine gives it when it is next on; until then nothing can be sent or read with it"


class KeysUnusable(LocalFault):
    """The machine's own keys are missing, damaged, or lie open to others."""

    code = "keys-unusable"
    text = "cannot use the key {path}: {problem}"
    hint = "{advice}"


# --- the relay: exit status 1 -----------------------------------------------------------------------------


class RelayUnreachable(RemoteFault):
    """The relay cannot be reached: no network, no such host, a certificate that does not fit, no answer in time."""

    code = "relay-unreachable"
    text = "cannot reach the relay {relay}: {problem}"
    hint = "what you send waits here; 'telex link status' says since when"


class RelayStrange(RemoteFault):
    """Something answers at the relay's address, but not as a relay does."""

    code = "relay-strange"
    text = "{relay} does not answer as a relay: {problem}"
    hint = "check the URL; a proxy or a sign-in page may be in front of it"


class RelayRefused(RemoteFault):
    """The relay says no to a request; `code` among the facts is one of wire.faults."""

    code = "relay-refused"
    text = "{words}"
    hint = "{advice}"


class RelayFileUnusable(LocalFault):
    """The file of the embedded relay cannot be opened, written, or is something else."""

    code = "relay-file-unusable"
    text = "cannot use {path}: {problem}"
    hint = "{advice}"


class RelayFileNewer(LocalFault):
    """A newer telex made the relay's file."""

    code = "relay-file-newer"
    text = "{path} has schema {found}; this telex knows {known}"
    hint = "upgrade this telex; nothing was touched"


class RelayRunning(LocalFault):
    """Another relay process serves from this file."""

    code = "relay-running"
    text = "another relay serves from {path}"
    hint = "end it first; one process serves one file"


class ListenFailed(LocalFault):
    """The relay cannot listen where it was told to."""

    code = "listen-failed"
    text = "cannot listen on {place}: {problem}"
    hint = "choose another place with --listen HOST:PORT"


class TeamExists(LocalFault):
    """There is a team of that name at the relay."""

    code = "team-exists"
    text = "there is a team {name} at this relay"
    hint = "choose another name; 'telex relay team list' lists them"


class TeamUnknown(NotFound):
    """There is no team of that name at the relay."""

    code = "team-unknown"
    text = "there is no team {name} at this relay"
    hint = "'telex relay team list' lists them"


class TeamFounded(LocalFault):
    """A team that has an owner takes no code from the relay's host."""

    code = "team-founded"
    text = "the team {name} has an owner already"
    hint = "an owner makes codes: telex link invite"


class RelayLogUnusable(LocalFault):
    """The cluster that the relay's log should be in cannot be reached, or is not what it must be."""

    code = "relay-log-unusable"
    text = "cannot use the log at {place}: {problem}"
    hint = "{advice}"
