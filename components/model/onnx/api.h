// What we call of onnxruntime's C API, opened with the first ONNX model: a server of other models
// neither needs nor pays for it.
//
// The library exports one function, OrtGetApiBase; it gives a table of function pointers, whose
// order is fixed for good (a version of the API only appends). Declared here are the entries that
// we call, by their places in that table; tests run a model through each of them. Not thread-safe
// to open, safe to call.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>

#include "operator/base/result.h"

namespace penstock::model::ort {

// The runtime's own objects: never defined here.
struct Allocator;
struct Env;
struct MapInfo;
struct MemoryInfo;
struct RunOptions;
struct SequenceInfo;
struct Session;
struct SessionOptions;
struct Status;  // null: all is well
struct TensorInfo;
struct TypeInfo;
struct Value;

enum class ValueKind : int { kTensor = 1, kSequence = 2, kMap = 3 };
enum class Element : int {
  kFloat = 1,
  kInt32 = 6,
  kInt64 = 7,
  kString = 8,
  kBool = 9,
  kFloat16 = 10,
  kDouble = 11
};
[[nodiscard]] std::string Name(Element element);  // "float32", "string", ...

struct Api {
  std::string version;  // of the library: "1.32.0"

  const char* (*message)(const Status*);
  Status* (*create_env)(int level, const char* id, Env**);
  Status* (*disable_telemetry)(const Env*);
  Status* (*create_session)(const Env*, const char* path, const SessionOptions*, Session**);
  Status* (*run)(Session*, const RunOptions*, const char* const* input_names,
                 const Value* const* inputs, std::size_t, const char* const* output_names,
                 std::size_t, Value** outputs);
  Status* (*create_options)(SessionOptions**);
  Status* (*disable_pattern)(SessionOptions*);
  Status* (*disable_arena)(SessionOptions*);
  Status* (*intra_op_threads)(SessionOptions*, int);
  Status* (*inter_op_threads)(SessionOptions*, int);
  Status* (*input_count)(const Session*, std::size_t*);
  Status* (*output_count)(const Session*, std::size_t*);
  Status* (*input_type)(const Session*, std::size_t, TypeInfo**);
  Status* (*output_type)(const Session*, std::size_t, TypeInfo**);
  Status* (*input_name)(const Session*, std::size_t, Allocator*, char**);
  Status* (*output_name)(const Session*, std::size_t, Allocator*, char**);
  Status* (*create_tensor)(Allocator*, const std::int64_t* shape, std::size_t, Element, Value**);
  Status* (*borrow_tensor)(const MemoryInfo*, void*, std::size_t bytes, const std::int64_t* shape,
                           std::size_t, Element, Value**);
  Status* (*data)(Value*, void**);
  Status* (*fill_strings)(Value*, const char* const*, std::size_t);
  Status* (*strings_size)(const Value*, std::size_t*);
  Status* (*strings)(const Value*, void* buffer, std::size_t size, std::size_t* offsets,
                     std::size_t);
  Status* (*tensor_of_type)(const TypeInfo*, const TensorInfo**);
  Status* (*kind_of_type)(const TypeInfo*, ValueKind*);
  Status* (*element_type)(const TensorInfo*, Element*);
  Status* (*rank)(const TensorInfo*, std::size_t*);
  Status* (*dimensions)(const TensorInfo*, std::int64_t*, std::size_t);
  Status* (*tensor_of_value)(const Value*, TensorInfo**);
  Status* (*kind_of_value)(const Value*, ValueKind*);
  Status* (*cpu_memory)(int allocator, int kind, MemoryInfo**);
  Status* (*free_memory)(Allocator*, void*);
  Status* (*default_allocator)(Allocator**);
  Status* (*element)(const Value*, int index, Allocator*, Value**);
  Status* (*element_count)(const Value*, std::size_t*);
  void (*release_status)(Status*);
  void (*release_session)(Session*);
  void (*release_value)(Value*);
  void (*release_type)(TypeInfo*);
  void (*release_tensor)(TensorInfo*);
  void (*release_options)(SessionOptions*);
  Status* (*map_of_type)(const TypeInfo*, const MapInfo**);
  Status* (*sequence_of_type)(const TypeInfo*, const SequenceInfo**);
  Status* (*map_key)(const MapInfo*, Element*);
  Status* (*map_value)(const MapInfo*, TypeInfo**);
  Status* (*sequence_element)(const SequenceInfo*, TypeInfo**);
  Status* (*set_config)(SessionOptions*, const char* key, const char* value);

  // Takes the status; Invalid with the runtime's words, in one line.
  [[nodiscard]] Result<void> Check(Status* status) const;
};

// What all sessions of a process share.
struct Runtime {
  Api api;
  Env* env = nullptr;
  MemoryInfo* memory = nullptr;
  Allocator* allocator = nullptr;
};

// Opened at the first call, kept until the process ends. Invalid says what to install.
[[nodiscard]] const Result<Runtime>& OpenRuntime();

template <typename T>
using Owned = std::unique_ptr<T, void (*)(T*)>;

}  // namespace penstock::model::ort
