// A folder that has no source file yet still is a library, so that the layer table stays complete.
