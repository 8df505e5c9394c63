// The fields of Component. See fields.h.
#pragma once

#include "operator/api/component.h"
#include "operator/api/fields.h"

namespace penstock::api {

template <typename Io>
void Fields(Io& io, typename Io::template Of<ComponentSpec>& s) {
  io.String("name", s.name, kLabelName);
  io.String("version", s.version, {32, &kVersion, true});
  io.String("description", s.description, kDescription);
  io.List("inputs", s.inputs, 100, "name");
  io.List("outputs", s.outputs, 100, "name");
  io.List("parameters", s.parameters, 200, "name");
  io.List("results", s.results, 100, "name");
  io.String("codeVersion", s.code_version, {64});
  io.Bool("acts", s.acts, false);
  io.Bool("serviceAccountToken", s.service_account_token, false);
  io.Group(
      "container",
      [&](auto& g) {
        ProgramFields(g, s.container);
        g.RawList("env", s.container.env, 200, core::kPlainEnvVar, "name");
      },
      true);
  io.Raw("resources", s.resources, core::kResources);
}

}  // namespace penstock::api
