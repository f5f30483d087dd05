"""How the site is made of docs/ and the docstrings: `nox -s docs` builds it, warnings being errors."""

from importlib import metadata

project = "fastnn"
author = copyright = "The fastnn developers"
try:
    release = metadata.version("fastnn-kernels")
except metadata.PackageNotFoundError:  # the package lies on the path without having been installed
    release = ""

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]
nitpicky = True
# Names of types in prose ("array of shape (N,)") are no links; every link to a name of fastnn is checked.
nitpick_ignore_regex = [("py:.*", r"(?!fastnn\b).*")]
default_role = "code"  # docstrings write `name`, as Markdown does
smartquotes_action = "D"  # the dashes that separate a parameter from its text; quotes stay as typed
myst_heading_anchors = 3

# The docstrings say types and shapes in words.
autodoc_typehints = "none"
autodoc_inherit_docstrings = False
autodoc_preserve_defaults = True  # dtype=np.float32, not <class 'numpy.float32'>
# All but the first are of scikit-learn's making, with links into its own site.
HIDDEN = "extra_repr, get_metadata_routing, set_fit_request, set_partial_fit_request, set_score_request"
autodoc_default_options = {"members": True, "exclude-members": HIDDEN}
napoleon_google_docstring = False
napoleon_use_param = napoleon_use_rtype = False
napoleon_custom_sections = [("Attributes", "params_style")]

html_theme = "furo"
html_title = "fastnn"
html_static_path, html_css_files = ["_static"], ["site.css"]
html_copy_source = html_show_sourcelink = False
