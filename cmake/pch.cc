// Owns a precompiled header that other targets share.
