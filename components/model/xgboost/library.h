// libxgboost, opened with the first model that needs it, so that programs of other models neither
// need nor pay for it. Declared by hand is what we call of xgboost/c_api.h, stable since 2.0; its
// documentation is https://xgboost.readthedocs.io/en/release_3.2.0/dev/c__api_8h.html.
//
// Every function gives 0, or another number and its reason in XgboostReason of the same thread.
// Thread-safe once opened. No LibTorch, no Arrow.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "operator/base/result.h"

namespace penstock::model {

using XgboostHandle = void*;  // a BoosterHandle or a DMatrixHandle

struct XgboostLibrary {
  const char* (*last_error)() = nullptr;

  int (*matrix_from_dense)(const char* array, const char* config, XgboostHandle* out) = nullptr;
  int (*proxy_create)(XgboostHandle* out) = nullptr;
  int (*proxy_set_dense)(XgboostHandle proxy, const char* array) = nullptr;
  int (*quantile_matrix)(void* iterator, XgboostHandle proxy, XgboostHandle reference,
                         void (*reset)(void*), int (*next)(void*), const char* config,
                         XgboostHandle* out) = nullptr;
  int (*matrix_set_floats)(XgboostHandle matrix, const char* field, const float* values,
                           std::uint64_t count) = nullptr;
  int (*matrix_set_texts)(XgboostHandle matrix, const char* field, const char** texts,
                          std::uint64_t count) = nullptr;
  int (*matrix_free)(XgboostHandle matrix) = nullptr;

  int (*create)(const XgboostHandle* matrices, std::uint64_t count, XgboostHandle* out) = nullptr;
  int (*free)(XgboostHandle booster) = nullptr;
  int (*load)(XgboostHandle booster, const char* path) = nullptr;
  int (*load_bytes)(XgboostHandle booster, const void* bytes, std::uint64_t size) = nullptr;
  int (*save_bytes)(XgboostHandle booster, const char* config, std::uint64_t* size,
                    const char** bytes) = nullptr;
  int (*set)(XgboostHandle booster, const char* name, const char* value) = nullptr;
  int (*set_attribute)(XgboostHandle booster, const char* key, const char* value) = nullptr;
  int (*attribute)(XgboostHandle booster, const char* key, const char** value,
                   int* there) = nullptr;
  int (*features)(XgboostHandle booster, std::uint64_t* count) = nullptr;
  int (*rounds)(XgboostHandle booster, int* count) = nullptr;
  int (*config)(XgboostHandle booster, std::uint64_t* size, const char** json) = nullptr;
  int (*update)(XgboostHandle booster, int round, XgboostHandle matrix) = nullptr;
  // `result` is the calling thread's until its next call for the same booster.
  int (*predict_matrix)(XgboostHandle booster, XgboostHandle matrix, const char* config,
                        const std::uint64_t** shape, std::uint64_t* dimensions,
                        const float** result) = nullptr;
  int (*predict_dense)(XgboostHandle booster, const char* array, const char* config,
                       XgboostHandle proxy, const std::uint64_t** shape, std::uint64_t* dimensions,
                       const float** result) = nullptr;
  int (*feature_scores)(XgboostHandle booster, const char* config, std::uint64_t* count,
                        const char*** names, std::uint64_t* dimensions, const std::uint64_t** shape,
                        const float** scores) = nullptr;
};

// Found by this program's RUNPATH, LD_LIBRARY_PATH or the system's folders; stays open. Invalid
// says what to install where it is not there or too old.
[[nodiscard]] Result<const XgboostLibrary*> OpenXgboost();

// The same of a file by its name, opened anew.
[[nodiscard]] Result<XgboostLibrary> LoadXgboostLibrary(const char* name);

// Why the last call of this thread failed, on one line, without the stack.
[[nodiscard]] std::string XgboostReason(const XgboostLibrary& library);

// NumPy's array interface of a row-major float32 matrix, which is not copied.
[[nodiscard]] std::string XgboostArray(const float* data, std::size_t rows, std::size_t width);

}  // namespace penstock::model
