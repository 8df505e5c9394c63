#include "operator/cli/objects/who_am_i.h"

#include "operator/base/json.h"
#include "operator/kube/resources.h"

namespace penstock::cli {

Result<Person> WhoAmI(kube::Client& client) {
  const Json question{{"apiVersion", "authentication.k8s.io/v1"},
                      {"kind", "SelfSubjectReview"},
                      {"metadata", Json::object()}};
  const auto answer = client.Create(kube::kSelfSubjectReviews, "", question);
  if (!answer) return answer.error();
  const Json user = answer->value("status", Json::object()).value("userInfo", Json::object());
  Person person;
  person.name = user.value("username", "");
  for (const Json& group : user.value("groups", Json::array()))
    if (group.is_string()) person.groups.push_back(group);
  if (person.name.empty()) return NotFound("the API server does not say who asks");
  return person;
}

}  // namespace penstock::cli
