#include "operator/controllers/tables/left_out.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <string_view>
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

// One of these stands in place of another: what has another is another value, as of who changes
// pods (a mesh that makes an HTTP probe of one by TCP).
bool HasAnother(const std::string& key, const Json& made) {
  constexpr std::array<std::array<std::string_view, 4>, 2> kOneOf{
      {{"httpGet", "tcpSocket", "grpc", "exec"}, {"value", "valueFrom", "", ""}}};
  return std::any_of(kOneOf.begin(), kOneOf.end(), [&](const auto& words) {
    return std::find(words.begin(), words.end(), key) != words.end() &&
           std::any_of(words.begin(), words.end(), [&](std::string_view word) {
             return !word.empty() && made.contains(std::string(word));
           });
  });
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
      if (kept == made.end() && HasAnother(key, made)) continue;
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
      if (!sent[i].is_structured()) continue;  // a command, say: a shorter one is another value
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
