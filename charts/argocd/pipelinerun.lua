-- Argo CD: where a PipelineRun stands.
local hs = {status = "Progressing", message = "the operator has not looked at it yet"}
local status = obj.status
if status == nil or status.conditions == nil then
  return hs
end
local by_type = {}
for _, condition in ipairs(status.conditions) do by_type[condition.type] = condition end
local function is(name, value) return by_type[name] ~= nil and by_type[name].status == value end
local function say(name) return by_type[name].message ~= "" and by_type[name].message or by_type[name].reason end
if is("Succeeded", "True") then
  return {status = "Healthy", message = say("Succeeded")}
end
if is("Finished", "True") and by_type["Succeeded"] ~= nil then
  return {status = "Degraded", message = say("Succeeded")}
end
if is("Stalled", "True") then
  return {status = "Degraded", message = say("Stalled")}
end
if obj.spec.suspend == true then
  return {status = "Suspended", message = "starts no further steps"}
end
if status.trouble ~= nil and status.trouble ~= "" then
  hs.message = status.trouble
elseif by_type["Succeeded"] ~= nil then
  hs.message = say("Succeeded")
end
return hs
