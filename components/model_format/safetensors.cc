#include "components/model_format/safetensors.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <set>
#include <utility>

#include "operator/base/file.h"
#include "operator/base/json.h"
#include "operator/base/try.h"

namespace penstock::sdk {
namespace {

constexpr std::size_t kMaxHeader = 100U << 20;  // as other readers of the format have it
constexpr std::size_t kMaxRank = 32;
constexpr const char* kMetadata = "__metadata__";

struct TypeEntry {
  const char* name;
  std::size_t size;
};
constexpr std::array<TypeEntry, 10> kTypes = {{{"F64", 8},
                                               {"F32", 4},
                                               {"F16", 2},
                                               {"BF16", 2},
                                               {"I64", 8},
                                               {"I32", 4},
                                               {"I16", 2},
                                               {"I8", 1},
                                               {"U8", 1},
                                               {"BOOL", 1}}};

std::optional<TensorType> ParseType(const std::string& name) {
  for (std::size_t i = 0; i < kTypes.size(); ++i) {
    if (name == kTypes[i].name) return static_cast<TensorType>(i);
  }
  return std::nullopt;
}

// Bytes of a tensor; nothing on overflow.
std::optional<std::uint64_t> ByteCount(const std::vector<std::int64_t>& shape, TensorType type) {
  std::uint64_t bytes = SizeOf(type);
  for (const std::int64_t dim : shape) {
    if (dim < 0 || __builtin_mul_overflow(bytes, static_cast<std::uint64_t>(dim), &bytes)) {
      return std::nullopt;
    }
  }
  return bytes;
}

// The header, or why not: twice the same name is refused, because readers differ in whom they take.
Result<Json> ParseUniqueJson(const char* text, std::size_t size, const std::string& path) {
  constexpr int kMaxDepth = 4;
  std::set<std::string> names;
  std::string problem;
  const auto check = [&](int depth, Json::parse_event_t event, Json& value) {
    if (depth > kMaxDepth) problem = "is nested too deeply";
    if (depth == 1 && event == Json::parse_event_t::key &&
        !names.insert(value.get<std::string>()).second) {
      problem = "names tensor '" + value.get<std::string>() + "' twice";
    }
    return problem.empty();
  };
  if (std::memchr(text, 0, size) != nullptr)  // the library would take it for the end
    return Invalid(path + ": the header holds a byte 0");
  Json header = Json::parse(text, text + size, check, false);
  if (!problem.empty()) return Invalid(path + ": the header " + problem);
  if (!header.is_object()) return Invalid(path + ": the header is no JSON object");
  return header;
}

struct Entry {
  TensorView view;
  std::uint64_t begin = 0;
  std::uint64_t end = 0;
};

Result<Entry> ParseEntry(const Json& json, const std::string& where, std::uint64_t data_size) {
  const auto has = [&](const char* key) { return json.is_object() && json.contains(key); };
  if (!has("dtype") || !has("shape") || !has("data_offsets") || !json["dtype"].is_string() ||
      !json["shape"].is_array() || !json["data_offsets"].is_array() ||
      json["data_offsets"].size() != 2) {
    return Invalid(where + " must have dtype, shape and data_offsets [begin, end]");
  }
  const auto type = ParseType(json["dtype"].get<std::string>());
  if (!type) {
    return Invalid(where + " has dtype " + json["dtype"].dump() + ", which is not read here");
  }
  Entry entry;
  entry.view.type = *type;
  if (json["shape"].size() > kMaxRank) return Invalid(where + " has more than 32 dimensions");
  for (const Json& dim : json["shape"]) {
    if (!dim.is_number_unsigned() || dim.get<std::uint64_t>() > INT64_MAX) {
      return Invalid(where + ": shape must hold integers from 0 on");
    }
    entry.view.shape.push_back(dim.get<std::int64_t>());
  }
  for (const Json& offset : json["data_offsets"]) {
    if (!offset.is_number_unsigned()) return Invalid(where + ": data_offsets must be integers");
  }
  entry.begin = json["data_offsets"][0].get<std::uint64_t>();
  entry.end = json["data_offsets"][1].get<std::uint64_t>();
  if (entry.begin > entry.end || entry.end > data_size) {
    return Invalid(where + ": data_offsets lie outside the file's " + std::to_string(data_size) +
                   " bytes of data");
  }
  const auto bytes = ByteCount(entry.view.shape, *type);
  if (!bytes || *bytes != entry.end - entry.begin) {
    return Invalid(where + ": shape and dtype do not make the " +
                   std::to_string(entry.end - entry.begin) + " bytes of its data_offsets");
  }
  return entry;
}

// The tensors must cover the data from end to end, each byte once.
Result<void> CheckCover(std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges,
                        std::uint64_t data_size, const std::string& path) {
  std::sort(ranges.begin(), ranges.end());
  std::uint64_t at = 0;
  for (const auto& [begin, end] : ranges) {
    if (begin != at) return Invalid(path + ": tensors overlap or leave a hole in the data");
    at = end;
  }
  if (at != data_size) return Invalid(path + ": bytes at the end belong to no tensor");
  return {};
}

Result<std::map<std::string, std::string>> ParseMetadata(const Json& json,
                                                         const std::string& path) {
  std::map<std::string, std::string> metadata;
  if (!json.is_object()) return Invalid(path + ": __metadata__ must be an object of texts");
  for (const auto& [key, value] : json.items()) {
    if (!value.is_string()) return Invalid(path + ": __metadata__." + key + " must be a text");
    metadata[key] = value.get<std::string>();
  }
  return metadata;
}

}  // namespace

const char* Name(TensorType type) { return kTypes[static_cast<std::size_t>(type)].name; }
std::size_t SizeOf(TensorType type) { return kTypes[static_cast<std::size_t>(type)].size; }

SafetensorsFile::~SafetensorsFile() {
  if (begin_ != nullptr) munmap(const_cast<std::byte*>(begin_), size_);
}

Result<std::shared_ptr<const SafetensorsFile>> SafetensorsFile::Open(const std::string& path) {
  const int fd = open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return FromErrno(path, errno);
  struct stat info {};
  void* mapped = MAP_FAILED;
  const bool regular = fstat(fd, &info) == 0 && S_ISREG(info.st_mode);
  const auto size = static_cast<std::size_t>(info.st_size);
  if (regular && size > 8) mapped = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
  const int error = errno;
  close(fd);
  if (!regular || size <= 8) return Invalid(path + " is no safetensors file: it is too short");
  if (mapped == MAP_FAILED) return FromErrno(path, error);
  std::shared_ptr<SafetensorsFile> file(new SafetensorsFile());
  file->begin_ = static_cast<const std::byte*>(mapped);
  file->size_ = size;
  PENSTOCK_TRY(file->ParseHeader(path));
  return std::shared_ptr<const SafetensorsFile>(std::move(file));
}

Result<void> SafetensorsFile::ParseHeader(const std::string& path) {
  std::uint64_t header_size = 0;
  for (int i = 7; i >= 0; --i)
    header_size = header_size << 8 | std::to_integer<unsigned>(begin_[i]);
  if (header_size > kMaxHeader || header_size > size_ - 8) {
    return Invalid(path + " is no safetensors file: its header would have " +
                   std::to_string(header_size) + " bytes");
  }
  const char* text = reinterpret_cast<const char*>(begin_) + 8;
  PENSTOCK_ASSIGN(const Json header, ParseUniqueJson(text, header_size, path));
  const std::byte* data = begin_ + 8 + header_size;
  const std::uint64_t data_size = size_ - 8 - header_size;
  std::vector<std::pair<std::uint64_t, std::uint64_t>> ranges;
  for (const auto& [name, value] : header.items()) {
    if (name == kMetadata) {
      PENSTOCK_ASSIGN(metadata_, ParseMetadata(value, path));
      continue;
    }
    PENSTOCK_ASSIGN(auto entry, ParseEntry(value, path + ": tensor '" + name + "'", data_size));
    entry.view.bytes = {data + entry.begin, data + entry.end};
    ranges.emplace_back(entry.begin, entry.end);
    tensors_.emplace(name, std::move(entry.view));
  }
  return CheckCover(std::move(ranges), data_size, path);
}

const TensorView* SafetensorsFile::Find(std::string_view name) const {
  const auto at = tensors_.find(name);
  return at == tensors_.end() ? nullptr : &at->second;
}

Result<void> WriteSafetensors(const std::string& path,
                              const std::map<std::string, TensorView>& tensors,
                              const std::map<std::string, std::string>& metadata) {
  std::vector<const std::pair<const std::string, TensorView>*> order;
  for (const auto& entry : tensors) order.push_back(&entry);
  std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return SizeOf(a->second.type) > SizeOf(b->second.type);
  });
  Json header = Json::object();
  if (!metadata.empty()) header[kMetadata] = metadata;
  std::uint64_t at = 0;
  for (const auto* entry : order) {
    const auto& [name, view] = *entry;
    if (name == kMetadata || ByteCount(view.shape, view.type) != view.bytes.size()) {
      return Invalid("tensor '" + name + "' cannot be written: its shape does not fit its bytes");
    }
    header[name] = {{"dtype", Name(view.type)},
                    {"shape", view.shape},
                    {"data_offsets", {at, at + view.bytes.size()}}};
    at += view.bytes.size();
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  std::string bytes;
  bytes.reserve(8 + text.size() + at);
  for (int i = 0; i < 8; ++i) bytes.push_back(static_cast<char>(text.size() >> (8 * i) & 255));
  bytes += text;
  for (const auto* entry : order) {
    const auto& own = entry->second.bytes;
    bytes.append(reinterpret_cast<const char*>(own.data()), own.size());
  }
  return WriteFileAtomically(path, bytes);
}

}  // namespace penstock::sdk
