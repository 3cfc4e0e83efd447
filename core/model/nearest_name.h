// "Did you mean": the known name that a mistyped one is nearest to. For errors that people read.
#pragma once

#include <string>
#include <vector>

namespace henge {

// By edit distance; empty if none is near. Of equally near ones the first.
std::string NearestName(const std::string& name, const std::vector<std::string>& known);

}  // namespace henge
