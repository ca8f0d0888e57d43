"""The words by which a reply is sorted, in English and German: patterns over lower-case text. Data only; what follows
from them is decided in domain/replies.py. To teach it a wording, add it here and a row to tests/domain/replies.toml."""

from __future__ import annotations

import re
from typing import Final


def _any(patterns: str) -> re.Pattern[str]:
    """Any of these; two blanks or a new line stand between them."""
    return re.compile("|".join(re.split(r"\s{2,}", patterns.strip())))


MEANINGS: Final[dict[str, re.Pattern[str]]] = {
    "insolvent": _any(r"""
        \binsolven  \bbankrupt  \bliquid(?:at|ier)  \b(?:in|into|entered) administration\b  \bchapter (?:7|11)\b
        zahlungsunfähig  \breceivership\b
    """),
    "legal": _any(r"""
        \blawyers?\b  \battorneys?\b  \bsolicitors?\b  \blegal (?:action|steps|department|counsel)\b  \bin court\b
        \bcourt\b  \bsue\b  anwalt  anwält  \bgericht  \bklage\b  \brechtliche schritte  \bstrafanzeige\b
    """),
    "stop": _any(r"""
        \bunsubscribe\b  \bstop (?:sending|e-?mailing|contacting|writing|harassing|these|this|the|spamming)\b
        \b(?:do not|don't|never) (?:contact|write|e-?mail|call)\b  \bleave (?:me|us) alone\b
        \bremove (?:me|us|my|our)\b  \bgdpr\b  \bdsgvo\b
        keine (?:weiteren? )?(?:e-?mails?|mails?|mahnungen|schreiben|briefe)
        nicht (?:mehr|weiter) (?:kontaktier|anschreib|anzuschreib|zu schreib)  \babmelden\b  \baustragen\b  in ruhe
        löschung meiner daten  \bspam\b  \btake (?:me|us) off\b
    """),
    "dispute": _any(r"""
        \bwrong\b(?! (?:person|recipient|address|company|contact|mail|e-?mail|department))  \bincorrect
        \bnot correct  \bovercharg  \bdisput  \bdisagree  \btoo (?:high|much|expensive)\b
        \b(?:never|did ?n[o']t|not) order  \bdamaged\b  \bbroken\b  \bdefect  \bfaulty\b  \bcomplain
        (?:goods|order|items?|parcel|delivery|shipment|laptops?|things|service)\b.{0,40}\b(?:never|not|missing|late)\b
        \b(?:never|not) (?:been )?(?:delivered|arrived)\b
        \b(?:never|not) (?:yet )?received (?:the |any |our )?(?:goods|order|items|parcel|delivery|anything)\b
        \bmissing\b  \bduplicate\b  \bcharged (?:us )?twice\b
        \bbilled (?:us )?twice\b  \bcredit note\b  \brefuse\b  \bsupposed to be\b  \bagreed (?:price|rate)\b
        \bwe agreed\b  \bfalsch(?!en? (?:empfänger|adress|ansprechpartner))
        \b(?:nie|niemals|nicht|nichts) (?:\w+ ){0,2}(?:bestell|beauftragt|geliefert|angekommen|ankam|erbracht)
        \bnicht (?:ganz |so )?(?:korrekt|richtig|nachvollzieh|einverstanden|vollständig)  \breklam
        \b(?:ware|lieferung|leistung|bestellung|arbeiten)\b.{0,40}\b(?:nie|nicht)\b
        \bmangel  \bmängel  \bbeschädig  \bdefekt  \bwidersp  \bzu (?:hoch|teuer|viel)\b  stimmt (?:so )?nicht
        stimmen nicht  \bdoppelt  \bgutschrift  \bvereinbart  \bunvollständig
        \bfehlt\b(?! (?:uns|mir) (?:die|eine|diese) rechnung)  \bkaputt\b  \bbeanstand  \bzurückweis
        \bstorn  \bkürzen\b  \bgekürzt\b  \bkürzung  \b(?:auf|ver)rechn  \baufgerechnet\b  \bsehr (?:hoch|teuer)\b
        \bcancell?ed\b  \bcancel (?:this|the|it|your|our)\b  \b(?:have|i've|we've|we|i) returned\b(?! (?:from|to)\b)
        \bbestr(?:eit|itt)  \bwiderruf  \banfecht  \bfechte\b  \bgekündigt\b  \bkündigung\b  \bverjähr
        \bfunktionier\w* .{0,20}nicht\b  \bnur \d+ (?:statt|von)\b  \bstatt \d  \breverse[- ]charge\b  \bdiffers?\b
        \binvoice (?:\w+ ){0,2}rejected\b  \b(?:a|an|the) (?:mistake|error)\b(?! (?:on our|by us|of ours))
        \bnot (?:finished|complete|working|acceptable|satisfied|happy|paying)\b  \b(?:nie|nicht) (?:\w+ ){0,2}erteilt\b
        \bonly (?:\w+ ){0,2}(?:delivered|received|got)\b  \bdo(?:es)?(?: not|n't) (?:match|agree|tally)\b
        \bwon't (?:be )?pay(?:ing)?\b  \b(?:will|going to) not (?:be )?pay  \bnot going to pay\b
        \bzahlen (?:(?:wir|ich|das|die|diese|rechnung) ){0,4}nicht\b(?! (?:vor|bis|später))
        \b(?:don't|do not) (?:\w+ ){0,3}owe\b  \b(?:don't|do not) recogni[sz]e\b  \bdeducted\b  \bretention\b
        \bshort[- ]paid\b  \breissue\b  \bcorrected invoice\b  \bplease correct\b  \b(?:es|noch) fehlen\b
        \bfehlen noch\b  \bfehlende  abweich  differenz  einbehalt  \bschulden .{0,20}\bnicht  \bunberechtigt
        \bweisen .{0,40}\bzurück\b  \bgegenstandslos  \bakzeptieren .{0,40}\bnicht\b
        korrigier  korrektur  \bersatzlieferung\b  \birrtum\b  \brabatt
        (?<!unser )\bfehler\b(?! (?:von uns|unserer|bei uns))
    """),
    "paid": _any(r"""
        \b(?:have|has|had|been|was|were|just) (?:already |been |just )?(?:paid|transferred|settled)\b
        \b(?:already|we|i) (?:already |just )?(?:paid(?! attention)|transferred|settled)\b
        \bpaid (?:this|it|that|on|yesterday|last|already|in full|by|the|your)\b  \balready paid\b  ^paid\b
        \bpayment (?:was|has been|is) (?:\w+ )?(?:made|sent|transferred|released|executed|processed|done|effected)\b
        \bpayment (?:already |just )?(?:went|left)\b  \bpayment is (?:on (?:its|the) way|out)\b
        \b(?:bezahlt|überwiesen|beglichen|angewiesen|gezahlt)\b  \bcheque .{0,20}(?:post|mail)
        \b(?:zahlung|überweisung|geld|betrag)\b.{0,10}\b(?:ist|wurde|ging)\b.{0,30}\b(?:erfolgt|raus|veranlasst|ausgeführt)\b
        \b(?:zahlung|überweisung|geld|betrag)\b.{0,10}\bist\b.{0,30}\bunterwegs\b  \babgebucht\b  \beingezogen\b
        \b(?:zahlung|überweisung)\b.{0,20}\b(?:veranlasst|getätigt|geleistet|überschnitten)\b  \bfunds (?:have )?left\b
        \bin auftrag gegeben\b  \b(?:zahlung|überweisung|ausgleich) erfolgte\b
        \b(?:payment|transfer) (?:made|sent|done|executed|completed|released)\b
        \b(?:have|has|just|already|i|we) (?:\w+ )?(?:processed|made|sent|released|initiated) (?:\w+ )?payment\b
        \b(?:is|it's) (?:now |all |fully )?paid\b  \bremittance (?:\w+ )?(?:is )?(?:attached|enclosed)\b
    """),
    "instalments": _any(r"""
        \binstal?lments?\b  \bin (?:two|three|four|several|\d+) parts\b  \bpayment plan\b  \braten(?:zahlung)?\b
        \bin (?:zwei|drei|vier|mehreren|\d+) raten\b  \bteilzahlung
    """),
    "more_time": _any(r"""
        \bmore time\b  \bextension\b  \bextend\b  \bpostpone  \bcannot pay\b  \bcan't pay\b  \bunable to pay\b
        \bcash[- ]?flow\b  aufschub\b  \bverlänger
        \bnicht in der lage\b  \bstunden sie\b  \bnoch (?:\w+ ){0,2}zeit\b
        \bstundung\b  \bfristverlängerung\b  \bliquidität  nicht zahlen\b
        \bspäter zahlen\b  \bengpass\b
    """),
    "wrong_recipient": _any(r"""
        \bwrong (?:person|recipient|address|company|contact|mail|e-?mail|department)\b
        \bnot (?:the )?(?:right|correct) (?:person|contact|recipient|company|department)\b
        \b(?:not|isn't) (?:ours|mine|(?:our|my) (?:invoice|company|order|account)|meant for (?:me|us)|addressed to)\b
        \bno longer (?:works?|working|with|employed|at|in charge|responsible)\b  \bleft the company\b
        \b(?:unternehmen|firma|haus) verlassen\b
        \bnothing to do with\b  \bwe are not\b.{0,40}\b(?:gmbh|ltd|inc|ag)\b
        \bfalsche[rn]? (?:empfänger|adress|ansprechpartner|firma)
        \bnicht (?:für|an) (?:uns|mich) (?:bestimmt|gerichtet)\b  \bnicht (?:mehr )?zuständig\b
        \bnicht (?:der|die) richtige  nicht mehr (?:im|in|bei|für|tätig|beschäftigt)  nichts (?:damit )?zu tun
        \bkenne(?:n)? (?:sie|diese firma|ihre firma|den vorgang) nicht\b
    """),
    "contact": _any(r"""
        \bnew (?:e-?mail|address|contact|billing address)\b  \bin (?:the )?future\b.{0,60}\b(?:send|write|address)
        \bplease (?:send|forward|address|direct).{0,80}\bto .{0,40}@  \baddress (?:has )?changed\b
        \bcontact my colleague\b  \bneue[rn]? (?:adresse|e-?mail|anschrift|ansprechpartner)  \bkünftig\b
        \bin zukunft\b  \bfrom now on\b  \bwenden sie sich\b  \bumgezogen\b
        \b(?:mailbox|address|account) (?:is )?no longer (?:in use|used|valid|exists?|monitored|read)\b
        \b(?:postfach|adresse) (?:wird|ist) nicht mehr\b
    """),
    "bank": _any(r"""
        \b(?:new|changed?|your|our) (?:bank (?:account|details)|iban)\b  \bbankverbindung\b  \bneue iban\b
    """),
    "copy": _any(r"""
        \b(?:send|resend|re-send|forward|need|have|get)\b.{0,40}\b(?:copy|invoice|pdf)\b  \bcopy please\b
        \b(?:rechnung|kopie|zweitschrift|pdf)\b.{0,60}\b(?:zu)?(?:senden|schicken|sende|schicke)\b
        \b(?:zu)?(?:senden|schicken|sende|schicke)\b.{0,60}\b(?:rechnung|kopie|zweitschrift|pdf)\b
        \b(?:brauche|benötige)n? .{0,30}(?:rechnung|kopie)
    """),
    "order_number": _any(r"""
        \bpurchase order\b  \bpo[- ]?(?:number|no\b|nr\b)  \bbestellnummer\b  \bbestell-nr
    """),
}
"""What a passage may be about, the gravest first: the order in which a person is told. A hint is never acted on."""

OPPOSITES: Final[dict[str, re.Pattern[str]]] = {
    "dispute": _any(r"""
        \b(?:no|not|never|keine?n?|nicht) (?:\w+ )?(?:disput|complain|objection|beanstand|reklam|mängel|mangel|widersp)
        \bdon't (?:\w+ )?(?:disput|complain)  \b(?:nothing|not|isn't) (?:\w+ )?wrong\b  \b(?:nicht|nichts|kein) falsch
    """),
    "paid": _any(r"""
        (?:\b(?:not|never|no)\b|n't\b)(?: \w+){0,2} (?:paid|transferred|settled|payment)\b  \bnothing\b  \bbeing paid\b
        \b(?:will|shall|to|can|could|should|must|would|needs?)\b.{0,30}\b(?:be|get|have been)\b  'll (?:\w+ )?be\b
        (?:\bwill|'ll) have (?:this|it|that|(?:the|your) \w+) (?:paid|settled)\b
        \b(?:should|could|would)(?:'ve| have)\b
        \b(?:if|whether|until|once|unless|before)\b.{0,40}\b(?:paid|transferred|settled)\b
        \b(?:ob|wenn|sobald|falls|bevor)\b.{0,80}\b(?:bezahlt|überwiesen|beglichen|angewiesen|gezahlt|abgebucht|eingezogen)\b
        \bgets? paid\b  \b(?:wird|werden|würden?|noch zu)\b.{0,80}\b(?:be|ge|über|an)\w+[tn]\b
        \b(?:soll|sollen|sollte|kann|können|muss|müssen)\b.{0,80}\b(?:be|ge|über|an)\w+[tn]\b
        \b(?:nicht|nie|niemals|nichts)\b(?: \S+){0,4} (?:bezahlt|überwiesen|beglichen|angewiesen|gezahlt|erfolgt|raus)\b
        \b(?:bezahlt|überwiesen|beglichen|gezahlt)\b.{0,40}\b(?:nicht|nichts|nie)\b  \bkein\w*\b
        ^(?:has|have|was|were|is|did|wurde|ist|sind|haben|hat|war)\b.*\?$
    """),
    "copy": _any(r"""
        ^(?!.*\b(?:find|found|open|receive|received|have|got|vor|erhalten|bekommen|lost|haben?)\b).*\b(?:not|never|stop)\b
        ^(?!.*\b(?:find|found|open|receive|received|have|got|vor|erhalten|bekommen|lost|haben?)\b).*\b(?:nicht|kein\w*)\b
        \bdon't (?:re-?)?send\b
    """),
}
"""What beside the same words says the contrary, or something that is yet to come, or is asked."""

PAY = _any(r"""
    \bpay(?!able|roll)  \bpaid\b  \btransfer  \bremit  \bsettle  \bwire\b  (?<!an)zahl  anzahl  überweis  überwies
    begleich  \bbeglichen\b  \banweis  \b(?:next|weekly|\w+'s) run\b  \bangewiesen\b  \bmoney\b  \bgeld\b
""")
"""A day in a sentence with one of these may be a promise."""

PAST = _any(r"""
    \b(?:yesterday|gestern|vorgestern)\b  \b(?:letzte|vergangene|vorige)[mnrs]?\b
    \blast (?:week|month|monday|tuesday|wednesday|thursday|friday)\b
""")
NO_PROMISE = _any(r"""
    \b(?:is|was|not|falls?) due\b  \bdue (?:on|by|in|date|for)\b  \bterms\b  \bfällig\b  \bzahlungs(?:ziel|frist)
    \bpays? (?:us|me)\b  \brefund  \bmoney back\b  \bgeld zurück\b  \b(?:zahlen|überweisen|erstatten) sie\b
    zurückzahl  \brückzahl  erstatt  ^pay\b  \b(?:should|could|would)(?:'ve| have) (?:been|paid)\b
    \b(?:tage\w*|wochen?|days?|weeks?) (?:nach|ab|after|from|of)\b
    \b(?:only|not) (?:if|once|after|when|before|until)\b  \bunless\b  \bprovided\b  \bas soon as\b  \bon condition
    \bfull settlement\b  \bvergleich
    \bif you (?!need|have|require|agree|like|want)  \bafter (?:the )?\d  \b(?:nach|ab) dem \d
    \bsobald\b  \bsofern\b  \bfalls sie\b  \bwenn (?:sie|die|der|wir|unser)\b  \b(?:erst|nur),? (?:wenn|nach)\b
""")
"""A day beside one of these is when it falls due, when we are to pay, or hangs on something."""
REST = _any(r"""\brest\b  \bremain(?:der|ing)\b  \bbalance\b  \bother half\b  \bandere hälfte\b""")
ASKS_LEAVE = _any(r"""
    \b(?:can|could|may) (?:we|i)\b  \bok(?:ay)? if\b  \b(?:können|könnten|dürfen|dürften) wir\b
    \b(?:kann|könnte|darf) ich\b  \breicht es\b
""")
REFUSES = _any(r"""
    \b(?:not(?! later than)|cannot|can't|won't|never|nicht(?! später als)|nichts|nie|niemals|kein\w*)\b
""")
BACK = _any(r"""
    \buntil\b  \btill\b  \bthrough\b  \bback\b  \breturn  \bfrom\b  \bbis\b  \bwieder\b  \bzurück\b  \bab dem\b
    \bab\b  \bvom\b
""")

AWAY = _any(r"""
    \bout of (?:the )?office\b  \bon (?:annual |parental |sick |maternity )?leave\b  \bon (?:vacation|holidays?)\b
    \baway from\b  \bwill (?:be )?(?:back|return)\b  \bcurrently (?:away|absent|travell?ing)\b  \bvacation\b
    \babwesen  \bnicht (?:im (?:büro|haus|hause|dienst)|am arbeitsplatz|erreichbar|anwesend|da)\b  \burlaub
    \bim krankenstand\b  \bwieder (?:da|erreichbar|im büro|für sie da|zurück)\b  \bautomatische antwort\b
    \bautomatic reply\b  \bauto(?:matic)?[- ]?(?:reply|response)\b.{0,20}\b(?:away|office)\b  \belternzeit\b
""")
AWAY_SUBJECT = _any(r"""
    automatic reply  auto(?:matic)?[- ]?reply  out of (?:the )?office  ooo\b  automatische antwort  abwesenheit
    abwesend  urlaub(?!s?vertretung)  i am away  réponse automatique  risposta automatica  respuesta automática
    automatisch antwoord  odpowiedź automatyczna  automatyczna odpowiedź  resposta automática  automatisk svar  autosvar
    automatická odpověď
""")
ANSWERED_SUBJECT = _any(r"""
    (?:\[[^\]]{1,40}\][\s:-]*)?(?:auto(?:matic)?[- ]?response|ticket (?:received|created)|request received)
    (?:\[[^\]]{1,40}\][\s:-]*)?we have received your (?:request|message|e-?mail|inquiry|ticket)
    (?:\[[^\]]{1,40}\][\s:-]*)?your (?:request|message|e-?mail|inquiry) (?:has been|was) received
    (?:\[[^\]]{1,40}\][\s:-]*)?eingangsbestätigung
""")
NUMBERED_SUBJECT = _any(r"""
    ticket  \[ticket  \[#  case \d  your (?:request|message|e-?mail|inquiry)\b  ihre (?:anfrage|nachricht|e-?mail)\b
    read:  gelesen:
""")
"""People answer under these, too: a machine's mail only if its text says that it is one."""
ANSWERED = _any(r"""
    \b(?:has been|was) (?:received|created|registered|assigned)\b  \bthank you for contacting\b  \bdo not reply\b
    \bautomatic(?:ally)? (?:generated|created|sent|reply|response|message|e-?mail)\b  \bwas read on\b
    \bautomatisch (?:erstellt|erzeugt|generiert|versendet|versandt)  \bnicht auf diese (?:e-?mail|nachricht)
    \bihre (?:anfrage|nachricht|e-?mail)\b.{0,80}\b(?:erhalten|eingegangen|erfasst|gelesen)\b
""")
BOUNCE_SUBJECT = _any(r"""
    undeliver  unable to deliver
    delivery status notification ?\(fail  mail delivery (?:failed|failure|subsystem)  returned mail  failure notice
    delivery (?:failure|has failed)  unzustellbar  nicht zustellbar  zustellung fehlgeschlagen
    message not delivered  mail system error
""")
DELAY_SUBJECT = re.compile(r"(?:.*\b(?:delayed|delay|warning|verzögert|will be retried)\b)")
ROBOTS = re.compile(r"(?:mailer-daemon|postmaster|mailerdaemon|microsoftexchange[0-9a-f]+)(?:\+[^@]*)?@|<>")

REPLY_PREFIX = re.compile(r"^\s*(?:(?:re|aw|antw|sv|vs|fw|fwd|wg|tr|rv|r|ref)(?:\[\d+\])?\s?:\s*)+", re.IGNORECASE)

COPY_WORDS: Final = frozenset(
    """
    please pls kindly could can would you your may i we us me have need get got send sending resend re-send
    forward again once more another a an the this that copy copies of for to invoice pdf document file
    email e-mail mail it as lost misplaced cannot can't couldn't not unable find found open seem been be don't
    do yet haven't receive received our records files thanks thank many best very much in advance hello hi dear
    good morning afternoon evening sir madam sirs team and sorry asap urgently by return no nr number from
    was there is which below above so that's just again's one bitte könnten können würden könnte kannst sie du
    ihr ihre mir uns noch einmal nochmal nochmals erneut wieder die der das den dem des diese dieser dieses
    rechnung kopie rechnungskopie rechnungsnummer zweitschrift als dokument datei senden zusenden
    zuzusenden zukommen lassen schicken zuschicken zuzuschicken übersenden übermitteln sende schicke ich wir
    habe haben finde finden leider nicht kann konnte konnten liegt vor fehlt fehlen benötige benötigen brauche
    brauchen eine ein einen keine kein erhalten bekommen per für unsere unterlagen akten danke dank vielen vorab
    im voraus hallo guten tag morgen moin liebe lieber sehr geehrte geehrter damen herren herr frau und verloren
    verlegt zu zum zur nummer vom von besten herzlichen schon mal gerne wäre nett wenn
    never nie um zusendung übersendung provide
    """.split()
)
"""Every word of a request for a copy is one of these: no month and no plural, which mean other invoices as well. One
word more, and a person reads it: that keeps `please send a copy, the price is wrong` away from the machine."""

PAPERS = _any(r"""
    \binvoices?\b  \bcopy\b  \bcopies\b  \bpdf\b  \brechnung(?:en)?\b  \brechnungskopie\b  \bkopie\b
    \bzweitschrift\b  \bdocument\b  \bdokument\b
""")
SENDS = _any(r"""
    \b(?:re-?)?send(?:ing)?\b  \bforward\b  \b(?:zu)?(?:zu)?(?:senden|schicken)\b  \bsende\b  \bschicke\b
    \bübersenden\b  \bübermitteln\b  \bzukommen lassen\b  \b(?:zu|über)sendung\b  \bprovide\b
""")
WANTS = _any(r"""
    \b(?:need|have|get)\b.*\bcop(?:y|ies)\b  \bcopy\b.*\bplease\b  \b(?:brauche|benötige)n?\b
""")
ASKS = _any(r"""
    \bplease\b  \bpls\b  \bkindly\b  \bcould\b  \bcan\b  \bwould\b  \bmay\b  \bneed\b  \bbitte\b  \bkönnten\b
    \bkönnen\b  \bkönnte\b  \bkannst\b  \bwürden\b  \bbrauche  \bbenötige  ^(?:re-?)?send\b  ^forward\b
""")
OWN_DEED = _any(r"""
    \b(?:i|we) (?:can |could |may |will |would )?(?:re-?)?(?:send|forward)\b  \bich (?:sende|schicke)\b
    \b(?:wir|sie) (?:senden|schicken)\b(?! sie)  \b(?:kann|können) (?:ich|wir) ihnen\b  ^you send\b
""")
LACKS = _any(r"""
    \bfind\b  \bfound\b  \bopen\b  \breceived?\b  \bhave\b  \bgot\b  \bfinden?\b  \bvor\b  \berhalten\b
    \bbekommen\b  \bmisplaced\b  \blost\b  \bhaben?\b
""")
