def as_svg(runs):
    return ""


def as_html(runs):
    return ""
