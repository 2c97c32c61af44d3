"""The most common letters beyond ASCII and the most common ASCII words of each language, for encoding detection.

Only `core.data.likelihood` uses them. Their order is rough; that is enough, because a wrong encoding gives letters that
are rare in the language or missing from it.
"""

from typing import NamedTuple


class Language(NamedTuple):
    """The letters, words and signs by which a language is recognised."""

    name: str
    letters: str
    """Lower-case letters beyond ASCII, the most common first. ASCII is the same in nearly all encodings."""
    words: frozenset[str] = frozenset()
    """Common words of ASCII letters only."""
    signs: str = ""
    """Signs that are more common than in other languages."""
    signs_share: float = 0.12
    """Share of signs among the characters beyond ASCII; the others are letters."""


_LATIN = {
    "English": (
        "éèñöüïëçáóíàêâäôåøæúœã",
        "the of and to in is that it was for he with as his on be at by had "
        "not are but from or have an they which she you were her all we i can my no",
    ),
    "French": (
        "éèàêçùâôîûïëœæÿü",
        "de la le et les des en un du une que est pour qui dans par plus "
        "pas sur au ce il elle je vous nous avec mais son sa ses on ne se",
    ),
    "German": (
        "üäöß",
        "der die und in den von zu das mit sich des auf ist im dem "
        "nicht ein eine als auch es an er so aus bei war sie wie ich nach",
    ),
    "Dutch": (
        "ëéïóèöüá",
        "de van het een en in is dat op te zijn met voor "
        "niet aan er om ook als maar bij uit naar hij ik ze",
    ),
    "Spanish": (
        "óíáéñúü",
        "de la que el en y los se del las un por con "
        "no una su para es al lo como pero sus le ha me si",
    ),
    "Catalan": ("àéóèíçúòïü", "de la i el que a en els les un per amb una es del al no com van ser"),
    "Portuguese": (
        "ãçáéóíêõúâàôü",
        "de e que o da em um para com os no se na "
        "por mais as dos como mas ao ele das seu sua ou uma",
    ),
    "Italian": (
        "èàùòìéî",
        "di e il la che in un per del non una con si "
        "da le dei nel alla come gli al sono i lo ma ha",
    ),
    "Swedish": ("äåöé", "och att det som en av den med till inte om ett han men var jag sig de hon i vi"),
    "Danish": ("æøåé", "og at det en den til er som med for der de ikke han har fra var jeg i vi et hun"),
    "Norwegian": ("åøæéòôóêü", "og det som en er til med for han av ikke den har jeg om et men i vi hun var fra"),
    "Finnish": ("äöåšž", "ja on ei se oli kun mutta ovat joka niin kuin jo vain sen ollut hän"),
    "Icelandic": ("ðáíóþéúöæý", "og er hann sem um til ekki var en hafa hún ein af"),
    "Irish": ("áéíóú", "an na agus ar is go le den ag sin"),
    "Albanian": ("ëç", "dhe e i te nga ka nuk me si do ishte"),
    "Polish": ("łęążóśćńź", "i w na z do nie jest to od za po przez jak ale czy o a tym co ich"),
    "Czech": ("íáěéýčžřšůúťňďó", "a se na v je z s do o k i jako jsou by ale to po za pro"),
    "Slovak": ("áíýčéžľšúťôňäďóĺŕ", "a sa na v je z s do o k ako by ale bol to po za pre sme"),
    "Hungarian": ("áéöóőüíűú", "a az hogy nem is egy van ez meg csak de volt el ki mint"),
    "Romanian": ("ăşţîâșț", "de la un si cu pe nu o care din mai este a al ale au se"),
    "Croatian": ("čšžćđ", "i je u se da na su za od ne s kao ali bi o iz"),
    "Slovenian": ("čšž", "in je na se za da so ki v pa ne z po kot ali"),
    "Lithuanian": ("ėšįųžąūčęï", "ir yra kad su bei tai kaip bet jo apie buvo per nuo"),
    "Latvian": ("āīēšūņķļģžč", "un ir no ka ar par tas bet kas uz arī pie gan kad"),
    "Estonian": ("äõüöšž", "ja on ei ta et oli see mis kui aga ning ka siis"),
    "Turkish": ("ışüğöçâîû", "ve bir bu da de ile ama daha gibi olan var ne her"),
    "Esperanto": ("ĉĝŭŝĵĥ", "la kaj de en ne estas mi li al por el kiu sed"),
    "Vietnamese": (
        "\u0301\u0300\u0323đ\u0309âư\u0303ôơăêàáíóèéúùýã",
        "trong cho khi con ra nay "
        "trên sau hay theo ng anh",
    ),
}  # fmt: skip
_LATIN_SIGNS = {
    "English": ("’“”—–‘…£°é½", 0.85),
    "Spanish": ("¿¡«»—ºª", 0.15),
    "Catalan": ("·’«»", 0.15),
    "French": ("’«»\u00a0—…°", 0.15),
    "Italian": ("’«»–“”°", 0.3),
    "German": ("„“–»«‚‘…°", 0.15),
    "Dutch": ("‘’“”–", 0.5),
    "Irish": ("’“”", 0.15),
    "Polish": ("„”—–", 0.12),
    "Czech": ("„“–‚‘", 0.12),
}
_ALPHABETS = {
    "Greek": "αοιετσνηυρπκμλςάωίγέόδήχύθφβώξζψϊϋΐΰ",
    "Russian": "оеаинтсрвлкмдпуяыьгзбчйхжшюцщэфъё",
    "Ukrainian": "оанивітерсклдумпязьбгчйхжїщюєшцфґ",
    "Belarusian": "аніеорстылкдўяупмвзьэбчгжхцшюйёф",
    "Bulgarian": "аиоетнрсвлкдпмзяъбгучщцжхшюфйьѝ",
    "Serbian": "аоиенрсјтувдклмпбгзшчћжцњхђљфџ",
    "Macedonian": "аоеитнрсвдкплмујгзбшчцжњќџхфѓѕљ",
    "Hebrew": "יולאהרשנבמתכעדםפקחןטצגסזךףץ",
    "Arabic": "اليمونتربهسعفدكقةحجىشصخطأضذغزثءئإآظؤ",
    "Persian": "اينردمهتوسبشکآزفلگخجعقحپصچطغضثذژظءئك",
    "Thai": "านรอกเง\u0e48มย\u0e31วล\u0e49ด\u0e35ทตส\u0e34ปบ\u0e38หะแคจพ\u0e4cชขใ\u0e37\u0e39ไ\u0e47โ\u0e33ถผธณศ\u0e36ซษภฐฟฉฝญฏฎๆฯฬฮฆฌฑ",  # noqa: E501
}
_ALPHABET_SIGNS = {
    "Russian": "«»—–…№“”„",
    "Ukrainian": "’«»—–…№",
    "Belarusian": "’«»—–…№",
    "Bulgarian": "„“–—…№",
    "Greek": "«»·’–…",
    "Arabic": "،؟؛«»ـ\u064b\u0651\u064e\u064f\u0650",
    "Persian": "،؟؛«»\u200cـ",
    "Hebrew": "־״׳–",
}

LATIN = tuple(
    Language(
        name,
        letters,
        frozenset(word for word in words.split() if word.isascii()),
        *_LATIN_SIGNS.get(name, ("", 0.12)),
    )
    for name, (letters, words) in _LATIN.items()
)
ALPHABETIC = tuple(Language(name, letters, signs=_ALPHABET_SIGNS.get(name, "")) for name, letters in _ALPHABETS.items())

SIGNS = "’“”—–…«»‘\u00a0„°£€§½·•©¿¡ºª®™²³¼¾±×‚‹›†‡µ¥¶¢¬÷№ªº"
"""Signs beyond ASCII in texts of any language, the most common first."""

# The most common characters of languages with thousands of them.
SIMPLIFIED = (
    "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能而子那得于着下自之年过发后作里用道行所然家种事成方多经么去法学如都"
    "同现当没动面起看定天分还进好小部其些主样理心她本前开但因只从想实日军者意无力它与长把机十民第公此已工使情明性知全三又关点正业外将两高间由问很"
    "最重并物手应战向头文体政美相见被利什二等产或新己制身果加西斯月话合回特代内信表化老给世位次度门任常先海通教儿原东声提立及比员解水名真论处走义"
    "各入几口认条平系气题活尔更别打女变四神总何电数安少报才结反受目太量再感建务做接必场件计管期市直德资命山金指克许统区保至队形社便空决治展马科司"
    "五基眼书非则听白却界达光放强即像难且权思王象完设式色路记南品住告类求据程北边死张该交规万取拉格望觉术领共确传师观清今切院让识候带导争运早晚春雪"
)
TRADITIONAL = (
    "的一是不了在人有我他這個們中來上大為和國地到以說時要就出會可也你對生能而子那得於著下自之年過發後作裡用道行所然家種事成方多經麼去法學如都"
    "同現當沒動面起看定天分還進好小部其些主樣理心她本前開但因只從想實日軍者意無力它與長把機十民第公此已工使情明性知全三又關點正業外將兩高間由問很"
    "最重並物手應戰向頭文體政美相見被利什二等產或新己制身果加西斯月話合回特代內信表化老給世位次度門任常先海通教兒原東聲提立及比員解水名真論處走義"
    "各入幾口認條平係氣題活爾更別打女變四神總何電數安少報才結反受目太量再感建務做接必場件計管期市直德資命山金指克許統區保至隊形社便空決治展馬科司"
    "五基眼書非則聽白卻界達光放強即像難且權思王象完設式色路記南品住告類求據程北邊死張該交規萬取拉格望覺術領共確傳師觀清今切院讓識候帶導爭運早晚春雪"
)
HANGUL = (
    "이다는의에가고을하지은한로를기서사도어들나있자인그아리대시수일정해보라여전부과장주제스만으까했것게면자지와었우원내모니적거성람상년오말간때구중음미생안"
    "학선조국소물마문일위비공경동집세각산새두바었던치요데방러발할신더알된못눈같아무용히날관려교처점명살았여진남없많길등분속또재연회행민"
)
HIRAGANA = (
    "のにはたをがでてとしいなるれかさもらこまっあすりきくうよだめけおみわどせつえやんそば"
    "ちほろひじげふごべねぐずぎづぶびむへぼぜゆざぞぬぱぽぷぴぺゃゅょぁぃぅぇぉゎ"
)
KANJI = (
    "日一人年大十二本中長出三時行見月分後前生五間上東四今金九入学高円子外八六下来気小七山話女北午百書先名川千水半男西電校語土木聞食車何南万毎白天母火右読友左休父雨"
    "国会者事自社発地方的同家新場手体対力全定内通立業実部主明動度作現理文主当心物思手使持言私彼知取入道所夜町村朝海空古好店屋春夏秋冬花風雪世界代親民市駅館家々"
)
