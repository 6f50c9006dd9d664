from lethe.tables.paper import or_nothing
def build(tables):
    return or_nothing([], "x", "none")
