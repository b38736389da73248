#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "mesh/keys/mesh_key.hpp"

namespace tulle::mesh {

/// A key that cannot be read, or a file that cannot be written. The text names the file and the reason, and never a
/// part of the secret.
class KeyFileError : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

/// The largest size of a key file: one key and some lines of comment.
inline constexpr std::size_t kMaxKeyFileBytes = 4096;

/// Reads a key file: one key, beside empty lines and lines that begin with '#'. The path may be a symbolic link, as
/// Kubernetes mounts secrets. Throws KeyFileError for a file that read_secret_file() refuses (one that others
/// may read, for instance), that is larger than kMaxKeyFileBytes, or that does not hold exactly one key.
[[nodiscard]] MeshKey read_key_file(const std::string& path);

/// Writes a new key file with mode 0600. Throws KeyFileError when the file exists: a cluster's only secret must not be
/// lost by a repeated command.
void write_key_file(const std::string& path, const MeshKey& key);

/// Reads a ring. Each source is the path of a key file, or the text of a key itself. Throws KeyFileError for more than
/// KeyRing::kMaxKeys keys, for a key that stands there twice, and as read_key_file().
[[nodiscard]] KeyRing read_key_ring(const std::vector<std::string>& sources);

}  // namespace tulle::mesh
