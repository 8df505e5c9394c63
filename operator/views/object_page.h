// A page of objects by name, behind the one that the last page ended with. Pure.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "operator/base/json.h"

namespace penstock::views {

template <typename Row>
Json ObjectPage(std::vector<Json> objects, int limit, const std::string& after, const Row& row) {
  const auto name = [](const Json& object) {
    return object.value("metadata", Json::object()).value("name", "");
  };
  std::erase_if(objects, [&](const Json& object) { return name(object) <= after; });
  std::sort(objects.begin(), objects.end(),
            [&](const Json& a, const Json& b) { return name(a) < name(b); });
  Json page{{"items", Json::array()}};
  for (const Json& object : objects) {
    if (page["items"].size() == static_cast<std::size_t>(limit)) {
      page["next"] = page["items"].back()["name"];
      break;
    }
    page["items"].push_back(row(object));
  }
  return page;
}

}  // namespace penstock::views
