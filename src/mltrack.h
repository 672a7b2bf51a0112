/* libmltrack: writes MLflow runs straight into MLflow's own database.

   Every function is thread-safe: the library keeps no global state. A call uses the calling thread
   only and returns when it is done. Nothing is printed, no signal is caught, the locale is never
   looked at.

   Structs that callers fill begin with struct_size = sizeof the struct, so that a program built
   against an older header goes on working with a newer library. */
#ifndef MLTRACK_H
#define MLTRACK_H

#if defined(__GNUC__)
#define MLT_API __attribute__((visibility("default")))
#else
#define MLT_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The library's version, "0.1.0". Static. */
MLT_API const char *mlt_version(void);

#ifdef __cplusplus
}
#endif

#endif
