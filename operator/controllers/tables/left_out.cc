#include "operator/controllers/tables/left_out.h"

#include <cstddef>
#include <utility>

namespace penstock::controllers {
namespace {

constexpr std::size_t kMost = 10;

bool SaysNothing(const Json& value) {
  if (value.is_boolean()) return !value.get<bool>();
  if (value.is_number()) return value == 0;
  if (value.is_string()) return value.get_ref<const std::string&>().empty();
  return value.empty();
}

class Comparison {
 public:
  void At(const Json& sent, const Json& made, const std::string& path) {
    if (sent.is_object() && made.is_object())
      Object(sent, made, path);
    else if (sent.is_array() && made.is_array())
      List(sent, made, path);
  }
  std::vector<std::string> found;

 private:
  void Note(const std::string& path) {
    if (found.size() < kMost) found.push_back(path);
  }

  void Object(const Json& sent, const Json& made, const std::string& path) {
    for (const auto& [key, value] : sent.items()) {
      if (SaysNothing(value)) continue;
      const auto kept = made.find(key);
      if (kept == made.end())
        Note(path + "." + key);
      else
        At(value, *kept, path + "." + key);
    }
  }

  static const char* KeyOf(const Json& entry) {
    for (const char* key : {"mountPath", "name"})
      if (entry.is_object() && entry.contains(key) && entry.at(key).is_string()) return key;
    return nullptr;
  }

  void List(const Json& sent, const Json& made, const std::string& path) {
    for (std::size_t i = 0; i < sent.size(); ++i) {
      const char* key = KeyOf(sent[i]);
      const std::string at =
          path + "[" + (key == nullptr ? std::to_string(i) : sent[i].at(key).get<std::string>()) +
          "]";
      const Json* kept = nullptr;
      if (key == nullptr && sent.size() == made.size()) kept = &made[i];
      if (key != nullptr)
        for (const Json& entry : made)
          if (entry.is_object() && entry.contains(key) && entry.at(key) == sent[i].at(key))
            kept = &entry;
      if (kept != nullptr)
        At(sent[i], *kept, at);
      else if (key != nullptr || made.size() < sent.size())
        Note(at);
    }
  }
};

}  // namespace

std::vector<std::string> LeftOut(const Json& sent, const Json& made, const std::string& path) {
  Comparison comparison;
  comparison.At(sent, made, path);
  return std::move(comparison.found);
}

}  // namespace penstock::controllers
