"""Plain sentences in many languages, written for these tests, with the usual encodings of texts in these languages."""

import unicodedata
from typing import NamedTuple

WEST = ("cp1252", "iso8859-15", "mac-roman", "cp850")
CENTRE = ("cp1250", "iso8859-2", "cp852", "mac-latin2")
BALTIC = ("cp1257", "iso8859-13", "cp775")
CYRILLIC = ("cp1251", "koi8-r", "iso8859-5", "cp866", "mac-cyrillic")
WIDE = ("utf-16", "utf-16-le", "utf-16-be", "utf-32", "utf-32-le", "utf-32-be", "utf-8-sig")


class Sample(NamedTuple):
    """Sentences in a language."""

    encodings: tuple[str, ...]
    sentences: tuple[str, ...]


TONES = "\u0300\u0301\u0303\u0309\u0323"


def encoded(text: str, encoding: str) -> bytes:
    """Return a text's bytes. windows-1258 encodes the tones of Vietnamese separately from the letters."""
    if encoding == "cp1258":
        return b"".join(_with_tone_apart(letter).encode(encoding) for letter in text)
    return text.encode(encoding)


def _with_tone_apart(letter: str) -> str:
    apart = unicodedata.normalize("NFD", letter)
    tones = "".join(mark for mark in apart if mark in TONES)
    return unicodedata.normalize("NFC", "".join(mark for mark in apart if mark not in TONES)) + tones


SAMPLES: dict[str, Sample] = {
    "English": Sample(
        ("cp1252", "mac-roman"),
        (
            "“I don’t know,” she said, “and he can’t tell us either.”",
            "The mill stood by the river – nobody had worked there for years.",
            "A ticket cost £5, and the café was closed on Mondays…",
        ),
    ),
    "French": Sample(
        ("cp1252", "iso8859-15", "mac-roman", "cp850", "cp437"),
        (
            "Le meunier était très âgé, mais il se levait à l'aube.",
            "Où est la clé du grenier? Elle a disparu dès la fin de l'été.",
            "La forêt commence derrière la façade de l'église, là où l'eau gèle.",
        ),
    ),
    "German": Sample(
        (*WEST, "cp437"),
        (
            "Die Bäume am Fluss sind im Frühling schön und grün.",
            "Über der alten Mühle hängt eine größere Glocke.",
            "Wir müssen früh gehen, weil die Straße am Abend gesperrt ist.",
        ),
    ),
    "Dutch": Sample(
        WEST,
        (
            "De reünie van de coöperatie is in januari in België.",
            "Zij heeft één zus en drie ideeën voor het vervolg.",
            "De zeeën zijn hoog en het officiële bezoek is uitgesteld, vond hij zélf.",
        ),
    ),
    "Spanish": Sample(
        (*WEST, "cp437"),
        (
            "¿Dónde está la llave? El niño no sabe qué pasó.",
            "Mañana saldrá el sol y también iremos al río con mamá.",
            "El señor Núñez compró un cajón de limones en la estación.",
        ),
    ),
    "Catalan": Sample(
        WEST,
        (
            "La plaça és a prop de l'església i el camí és ple d'arbres.",
            "Avui farà sol però demà potser plourà a la muntanya.",
            "La col·lecció de llibres és molt antiga i també és preciosa.",
        ),
    ),
    "Portuguese": Sample(
        WEST,
        (
            "A estação fica à direita e o avião não chega até amanhã.",
            "O pão já está na mesa, mas as crianças ainda não vêm.",
            "Três irmãos e uma avó vivem numa casa de pedra junto ao rio; são felizes.",
        ),
    ),
    "Italian": Sample(
        WEST,
        (
            "La città è più grande di quanto si dice, però è bella.",
            "Perché non c'è pane? Così non si può mangiare.",
            "Lunedì andrò al mare e martedì tornerò già a casa.",
        ),
    ),
    "Swedish": Sample(
        WEST,
        (
            "Sjön är stilla på kvällen och båten ligger vid bryggan.",
            "Hon går över ängen för att hämta mjölk åt sin bror.",
            "Det är många år sedan vi såg så mycket snö här.",
        ),
    ),
    "Danish": Sample(
        WEST,
        (
            "Drengen løber på stranden, og hans søster bærer en blå kurv.",
            "Vi køber brød, ost og æbler på torvet hver lørdag.",
            "Der er få mennesker på øen, når vinteren kommer.",
        ),
    ),
    "Norwegian": Sample(
        WEST,
        (
            "Båten går fra øya klokka åtte når været er bra.",
            "Hun måtte gå hjem før snøen kom på fjellet.",
            "Det er både kjøtt, fløte og bær i bollen på bordet.",
        ),
    ),
    "Finnish": Sample(
        WEST,
        (
            "Järvi on jäässä, mutta lapset pelkäävät mennä sinne yöllä.",
            "Tänään syödään leipää ja keittoa, ja myöhemmin kävellään metsässä.",
            "Hän näki pienen linnun pöydällä ja hymyili äidille.",
        ),
    ),
    "Icelandic": Sample(
        ("cp1252", "iso8859-15", "cp850"),
        (
            "Það er kalt í dag og snjórinn liggur á þakinu.",
            "Hún býr við sjóinn með bróður sínum og þremur hestum.",
            "Ég ætla að lesa bókina þegar ég kem heim í kvöld.",
        ),
    ),
    "Irish": Sample(
        ("cp1252", "mac-roman", "cp850"),
        (
            "Tá an fear ina shuí cois na tine agus tá sé ag léamh.",
            "Níl aon bhád ar an loch inniu mar tá an ghaoth ró-láidir.",
            "Bhí an chailín óg sásta nuair a tháinig a máthair abhaile.",
        ),
    ),
    "Albanian": Sample(
        ("cp1252", "cp850"),
        (
            "Shtëpia është e vogël, por kopshti është shumë i bukur.",
            "Çdo mëngjes nëna bën bukë dhe fëmijët shkojnë në shkollë.",
            "Nuk kam parë një det më të qetë se ky.",
        ),
    ),
    "Polish": Sample(
        CENTRE,
        (
            "Młynarz poszedł nad rzekę, bo chciał złapać dużą rybę.",
            "Wieczorem będzie padać śnieg, więc zamknij okno i przynieś książkę.",
            "Żona piekarza mówi, że świeży chleb jest już na półce. Łąka się zieleni.",
        ),
    ),
    "Czech": Sample(
        CENTRE,
        (
            "Šest koní stálo u řeky a žádný nechtěl pít studenou vodu.",
            "Dnes večer přijde déšť, proto zavři všechna okna a dveře.",
            "Můj děda říkal, že nejlepší chléb se peče v malé vesnici. Žena mlčela.",
        ),
    ),
    "Slovak": Sample(
        CENTRE,
        (
            "Ľudia v dedine hovoria, že štyri kone utiekli k rieke.",
            "Zajtra pôjdeme do lesa, kde rastú najväčšie huby.",
            "Môj otec kúpil čerstvý chlieb, mäso a šťavu. Ťažko sa mu išlo domov.",
        ),
    ),
    "Hungarian": Sample(
        CENTRE,
        (
            "Az öreg molnár reggel a folyóhoz ment, és hűvös szelet érzett.",
            "Holnap esős idő lesz, ezért csukd be az ablakot és az ajtót.",
            "A nővérem öt könyvet vett, de csak kettő tűnt érdekesnek.",
        ),
    ),
    "Romanian": Sample(
        CENTRE[:3],
        (
            "Băiatul s-a dus la piaţă şi a cumpărat pâine, brânză şi mere.",
            "În fiecare dimineaţă bunica îşi bea ceaiul lângă fereastră.",
            "Ştiu că mâine va ploua, aşa că rămânem acasă şi citim.",
        ),
    ),
    "Croatian": Sample(
        CENTRE[:3],
        (
            "Čovjek je došao kući kasno i nije našao ključ od vrata.",
            "Sutra će padati kiša, zato ćemo ostati kod kuće i čitati knjige.",
            "Žuti cvijet raste između kamenja, a đak ga gleda kroz prozor škole.",
        ),
    ),
    "Slovenian": Sample(
        CENTRE[:3],
        (
            "Šest otrok se igra ob reki, čeprav je voda že mrzla.",
            "Jutri bo deževalo, zato bomo ostali doma in brali knjižice.",
            "Žena je spekla kruh in počakala, da pridejo vsi štirje možje.",
        ),
    ),
    "Lithuanian": Sample(
        BALTIC,
        (
            "Šiandien lyja, todėl vaikai žaidžia namuose ir piešia žąsis.",
            "Mano brolis gyvena prie jūros ir kiekvieną rytą eina žvejoti.",
            "Už lango matyti ežeras, o virš jo skrenda didelė gervė į pietus. Jų čia daug.",
        ),
    ),
    "Latvian": Sample(
        BALTIC,
        (
            "Šodien bērni spēlējas dārzā, bet māte cep maizi ķēķī.",
            "Mūsu māja stāv pie upes, un ziemā tur ir ļoti auksts.",
            "Vecāmuļa stāsta, ka agrāk šeit bijis liels mežs un daudz briežu ziņu.",
        ),
    ),
    "Estonian": Sample(
        ("cp1257", "cp1252", "iso8859-15", "cp775"),
        (
            "Täna õhtul sajab vihma ja külas on väga vaikne.",
            "Vanaema küpsetab leiba ning õde käib metsas seeni otsimas.",
            "Järve ääres seisab vana maja, mille uksed on ööseks lukus.",
        ),
    ),
    "Turkish": Sample(
        ("cp1254", "iso8859-9", "cp857", "mac-turkish"),
        (
            "Bugün hava çok soğuk, çocuklar dışarı çıkmak istemiyor.",
            "Kardeşim İzmir'de yaşıyor ve her akşam deniz kıyısında yürüyor.",
            "Annem mutfakta ekmek pişiriyor, babam ise bahçedeki ağacı suluyor.",
        ),
    ),
    "Esperanto": Sample(
        ("iso8859-3",),
        (
            "Ĉiu infano ŝatas aŭdi pri la maljuna ĉevalo kaj ĝia amiko.",
            "Hodiaŭ la ĉielo estas blua, sed morgaŭ pluvos ĝis vespero.",
            "Mi aĉetis freŝan panon ĉe la ĵaŭda bazaro.",
        ),
    ),
    "Vietnamese": Sample(
        ("cp1258",),
        (
            "Hôm nay trời mưa nên chúng tôi ở nhà đọc sách.",
            "Bà ngoại của tôi sống gần sông và nuôi nhiều gà vịt.",
            "Con đường này dẫn đến một ngôi làng nhỏ trên núi.",
        ),
    ),
    "Greek": Sample(
        ("cp1253", "iso8859-7", "cp737", "mac-greek"),
        (
            "Ο μυλωνάς πήγε στο ποτάμι, γιατί ήθελε να πιάσει ένα ψάρι.",
            "Άνοιξε την πόρτα και είδε τα παιδιά που έπαιζαν στην αυλή.",
            "Αύριο θα βρέξει, γι' αυτό θα μείνουμε στο σπίτι και θα διαβάσουμε.",
        ),
    ),
    "Russian": Sample(
        (*CYRILLIC, "cp855"),
        (
            "Мельник жил у реки и каждое утро слушал, как шумит вода.",
            "Завтра будет дождь, поэтому мы останемся дома и почитаем.",
            "Старая дорога ведёт в деревню, где почти никто уже не живёт.",
        ),
    ),
    "Ukrainian": Sample(
        ("cp1251", "koi8-u", "iso8859-5", "mac-cyrillic"),
        (
            "Сьогодні дітям дуже весело, бо надворі йде перший сніг.",
            "Її бабуся живе біля річки і щоранку годує качок.",
            "Завтра ми поїдемо до міста, щоб купити хліб, сир і мед.",
        ),
    ),
    "Belarusian": Sample(
        ("cp1251", "iso8859-5"),
        (
            "Сёння на вуліцы холадна, і дзеці сядзяць дома каля печы.",
            "Мая бабуля жыве ў вёсцы, дзе растуць старыя яблыні.",
            "Заўтра мы пойдзем у лес, каб назбіраць грыбоў і ягад.",
        ),
    ),
    "Bulgarian": Sample(
        ("cp1251", "iso8859-5", "cp866", "mac-cyrillic"),
        (
            "Днес времето е хубаво и децата играят край реката.",
            "Баба ми живее в малко село, където има стара воденица.",
            "Утре ще вали дъжд, затова ще останем вкъщи и ще четем.",
        ),
    ),
    "Serbian": Sample(
        ("cp1251", "iso8859-5", "mac-cyrillic"),
        (
            "Данас је леп дан и деца се играју поред реке.",
            "Мој брат живи у малом селу, где људи још пеку хлеб код куће.",
            "Сутра ће падати киша, па ћемо остати и читати књиге.",
        ),
    ),
    "Macedonian": Sample(
        ("cp1251", "iso8859-5"),
        (
            "Денес времето е убаво и децата си играат покрај реката.",
            "Мојата баба живее во мало село, каде што има стара воденица.",
            "Утре ќе врне дожд, па ќе останеме дома и ќе читаме.",
        ),
    ),
    "Hebrew": Sample(
        ("cp1255", "iso8859-8", "cp862"),
        (
            "הילדים משחקים ליד הנהר והאם קוראת ספר.",
            "מחר ירד גשם, ולכן נישאר בבית ונאפה לחם.",
            "הדרך הישנה מובילה לכפר קטן שבו גר סבא שלי.",
        ),
    ),
    "Arabic": Sample(
        ("cp1256", "iso8859-6"),
        (
            "يلعب الأطفال قرب النهر وتقرأ أمهم كتابا قديما.",
            "غدا ينزل المطر، لذلك نبقى في البيت ونخبز الخبز.",
            "الطريق الطويل يصل إلى قرية صغيرة فوق الجبل.",
        ),
    ),
    "Persian": Sample(
        ("cp1256",),
        (
            "بچه ها کنار رودخانه بازي مي کنند و مادر کتاب مي خواند.",
            "فردا باران مي آيد، پس در خانه مي مانيم و نان مي پزيم.",
            "پدربزرگ من در روستاي کوچکي نزديک کوه زندگي مي کرد.",
        ),
    ),
    "Thai": Sample(
        ("cp874", "tis-620"),
        (
            "เด็กเล่นน้ำที่แม่น้ำและแม่อ่านหนังสือ",
            "พรุ่งนี้ฝนจะตก เราจึงอยู่บ้านและทำอาหาร",
            "ถนนสายเก่าไปถึงหมู่บ้านเล็กบนภูเขา",
        ),
    ),
    "Japanese": Sample(
        ("cp932", "euc-jp", "iso2022-jp"),
        (
            "山の上に古い家があった。",
            "子どもたちは川のそばで遊び、母は本を読んでいる。",
            "あしたは雨がふるので、家でパンを焼くことにした。",
        ),
    ),
    "Chinese, simplified": Sample(
        ("gb2312", "gbk", "gb18030"),
        (
            "孩子们在河边玩，妈妈在家里看书。",
            "明天会下雨，所以我们不出门，自己做面包。",
            "那条旧路一直通到山上的一个小村子，很少有人走。",
        ),
    ),
    "Chinese, traditional": Sample(
        ("big5", "gb18030"),
        (
            "孩子們在河邊玩，媽媽在家裡看書。",
            "明天會下雨，所以我們不出門，自己做麵包。",
            "那條舊路一直通到山上的一個小村子，很少有人走。",
        ),
    ),
    "Korean": Sample(
        ("euc-kr", "cp949", "iso2022-kr"),
        (
            "아이들은 강가에서 놀고 어머니는 책을 읽는다.",
            "내일은 비가 오니까 우리는 집에서 빵을 굽기로 했다.",
            "오래된 길은 산 위의 작은 마을까지 이어진다.",
        ),
    ),
}
