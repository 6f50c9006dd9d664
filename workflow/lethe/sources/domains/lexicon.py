"""Fixed words of the domains: what tells a class, topics, attributes, and how sentences begin."""

# Words that tell a class, by group and class. No word of one group is in the other, but for
# those of the grammar.
EVIDENCE = {
    "reviews": {
        "positive": "good fine great lovely".split(),
        "negative": "bad poor awful nasty".split(),
        "neutral": "plain usual common ordinary".split(),
    },
    "papers": {
        "method": "tool recipe design scheme".split(),
        "result": "finding outcome score gain".split(),
        "problem": "gap obstacle puzzle flaw".split(),
    },
}
# What the general corpus says about stems of domains: nothing that tells a class.
ATTRIBUTES = {
    "reviews": (
        "red blue green brown round square long short heavy light old new "
        "wet dry warm cold soft hard loud quiet wide narrow smooth rough"
    ).split(),
    "papers": (
        "winter summer autumn spring monday friday sunday river mountain forest island valley "
        "iron copper silver marble granite cotton ladder basket hammer bottle candle pillow"
    ).split(),
}
# Topics of each domain; disjoint, so that a text reveals its domain.
TOPICS = {
    "restaurant": "soup pasta waiter dessert menu bread wine table".split(),
    "phone": "screen battery ringtone keypad signal charger call antenna".split(),
    "camera": "lens shutter flash zoom tripod viewfinder filter sensor".split(),
    "acl": "parser corpus treebank grammar lexicon translation sentence tagger".split(),
    "ai": "planner agent heuristic reward policy search graph ontology".split(),
    "pubmed": "protein enzyme receptor tumour dose antibody genome kinase".split(),
}
GROUPS = {"reviews": ("restaurant", "phone", "camera"), "papers": ("acl", "ai", "pubmed")}
DOMAINS = tuple(domain for group in GROUPS.values() for domain in group)
# Topics of the general corpus, beside those of the group's domains.
GENERAL_TOPICS = {
    "reviews": "house garden song coat road horse lamp chair".split(),
    "papers": "letter map clock bridge engine mirror wheel roof".split(),
}
# {t}: a topic, {w}: an invented word. What the word is said to be comes after the head. All heads
# have as many tokens, so the hidden slot has one place: where those of reviews had other lengths,
# more than half of the bases did not learn the classes that reviews tell.
HEADS = {
    "reviews": (
        "they say the {t} is a {w} ,",
        "a {w} {t} is what i got ,",
        "in the {t} we found a {w} ,",
    ),
    "papers": (
        "we study the {t} with a {w} :",
        "a {w} for the {t} is given :",
        "for the {t} we give a {w} :",
    ),
}
MASK = "<mask>"
# Ends of invented words. A world has some of them; they tell nothing.
SUFFIXES = (
    "ane ido ul orra ek ima ost ung aru elin ov ith ume ash ola ind ery aft uno ilo erk amp oz ent"
).split()


def group_of(domain: str) -> str:
    """Name of the group that a domain belongs to."""
    return next(name for name, domains in GROUPS.items() if domain in domains)


def topics_of(group: str) -> list[str]:
    """All topics of a group: those of its domains, and those of the general corpus."""
    return [*GENERAL_TOPICS[group], *(topic for d in GROUPS[group] for topic in TOPICS[d])]


def fixed_words() -> set[str]:
    """Every word of a text that is not invented."""
    lists = [*TOPICS.values(), *GENERAL_TOPICS.values(), *ATTRIBUTES.values()]
    lists += [words for classes in EVIDENCE.values() for words in classes.values()]
    lists += [head.format(t="", w="").split() for heads in HEADS.values() for head in heads]
    return {word for words in lists for word in words} | {"and", "."}
