"""A stranger's document as pixels: its pages drawn, and made black and white for paper, fax or slip.

Everything here runs in a boxed process (`boxed` is its door), but for `packing`: pdfium is not safe in
threads, and no decoder is safe from hostile bytes. So this file imports none of it.
"""
