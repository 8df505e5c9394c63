#include "components/model/onnx/api.h"

#include <dlfcn.h>

#include <utility>

#include "operator/base/try.h"

namespace penstock::model::ort {
namespace {

constexpr std::uint32_t kApiVersion = 16;  // of onnxruntime 1.16: all that is called here
constexpr int kLogFatal = 4;               // what goes wrong comes back as a status

struct ApiBase {
  const void* const* (*table)(std::uint32_t version);
  const char* (*version)();
};

template <typename F>
void At(const void* const* table, std::size_t place, F* function) {
  *function = reinterpret_cast<F>(const_cast<void*>(table[place]));
}

void Fill(const void* const* table, Api* api) {
  At(table, 2, &api->message);
  At(table, 3, &api->create_env);
  At(table, 6, &api->disable_telemetry);
  At(table, 7, &api->create_session);
  At(table, 9, &api->run);
  At(table, 10, &api->create_options);
  At(table, 17, &api->disable_pattern);
  At(table, 19, &api->disable_arena);
  At(table, 24, &api->intra_op_threads);
  At(table, 25, &api->inter_op_threads);
  At(table, 30, &api->input_count);
  At(table, 31, &api->output_count);
  At(table, 33, &api->input_type);
  At(table, 34, &api->output_type);
  At(table, 36, &api->input_name);
  At(table, 37, &api->output_name);
  At(table, 48, &api->create_tensor);
  At(table, 49, &api->borrow_tensor);
  At(table, 51, &api->data);
  At(table, 52, &api->fill_strings);
  At(table, 53, &api->strings_size);
  At(table, 54, &api->strings);
  At(table, 55, &api->tensor_of_type);
  At(table, 56, &api->kind_of_type);
  At(table, 60, &api->element_type);
  At(table, 61, &api->rank);
  At(table, 62, &api->dimensions);
  At(table, 65, &api->tensor_of_value);
  At(table, 67, &api->kind_of_value);
  At(table, 69, &api->cpu_memory);
  At(table, 76, &api->free_memory);
  At(table, 78, &api->default_allocator);
  At(table, 80, &api->element);
  At(table, 81, &api->element_count);
  At(table, 93, &api->release_status);
  At(table, 95, &api->release_session);
  At(table, 96, &api->release_value);
  At(table, 98, &api->release_type);
  At(table, 99, &api->release_tensor);
  At(table, 100, &api->release_options);
  At(table, 103, &api->map_of_type);
  At(table, 104, &api->sequence_of_type);
  At(table, 105, &api->map_key);
  At(table, 106, &api->map_value);
  At(table, 107, &api->sequence_element);
  At(table, 130, &api->set_config);
}

Result<Runtime> Open() {
  // found by this program's RUNPATH, LD_LIBRARY_PATH or the system's folders
  void* library = dlopen("libonnxruntime.so.1", RTLD_NOW | RTLD_LOCAL);
  if (library == nullptr) {
    return Invalid(std::string("the back end onnx needs libonnxruntime.so.1, which is not here "
                               "(tools/install-deps wheels fetches it): ") +
                   dlerror());
  }
  const auto base = reinterpret_cast<const ApiBase* (*)()>(dlsym(library, "OrtGetApiBase"));
  const void* const* table = base == nullptr ? nullptr : base()->table(kApiVersion);
  if (table == nullptr) {
    return Invalid("libonnxruntime.so.1 is too old: version 1.16 or newer is needed");
  }
  Runtime runtime;
  runtime.api.version = base()->version();
  Fill(table, &runtime.api);
  const Api& api = runtime.api;
  PENSTOCK_TRY(api.Check(api.create_env(kLogFatal, "penstock", &runtime.env)));
  PENSTOCK_TRY(api.Check(api.disable_telemetry(runtime.env)));
  PENSTOCK_TRY(api.Check(api.cpu_memory(0, 0, &runtime.memory)));
  PENSTOCK_TRY(api.Check(api.default_allocator(&runtime.allocator)));
  return runtime;
}

// The runtime's words without the place in its sources that it puts before them:
// "/onnxruntime_src/x.cc:5 T N::F(const std::map<K, V>&) Unsupported ...".
std::string WithoutPlace(std::string text) {
  const std::size_t place = text.find("/onnxruntime_src/");
  int depth = 0;
  for (std::size_t i = place; i != std::string::npos && i < text.size(); ++i) {
    if (text[i] == '(' || text[i] == '<') ++depth;
    if (text[i] == ')' || text[i] == '>') --depth;
    if (text[i] != ' ' || depth != 0 || (text[i - 1] != ')' && text[i - 1] != '>')) continue;
    text.erase(place, i + 1 - place);
    break;
  }
  return text;
}

}  // namespace

std::string Name(Element element) {
  switch (element) {
    case Element::kFloat:
      return "float32";
    case Element::kInt32:
      return "int32";
    case Element::kInt64:
      return "int64";
    case Element::kString:
      return "string";
    case Element::kBool:
      return "bool";
    case Element::kFloat16:
      return "float16";
    case Element::kDouble:
      return "float64";
  }
  return "ONNX's type " + std::to_string(static_cast<int>(element));
}

Result<void> Api::Check(Status* status) const {
  if (status == nullptr) return {};
  std::string text = message(status);
  release_status(status);
  for (char& c : text) c = c == '\n' ? ' ' : c;
  while (text.ends_with(' ')) text.pop_back();
  return Invalid(WithoutPlace(std::move(text)));
}

const Result<Runtime>& OpenRuntime() {
  static const Result<Runtime> kRuntime = Open();
  return kRuntime;
}

}  // namespace penstock::model::ort
