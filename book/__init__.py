"""The site's looks, its front end, and what its pages need beyond Jupyter
Book.
"""
