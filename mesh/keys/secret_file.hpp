#pragma once

#include <cstddef>
#include <string>

namespace tulle::mesh {

/// The text of a file, or the reason why the file is not used.
struct FileText {
    std::string text;
    /// A part of a sentence that begins with the path: "cannot be read: …". Empty for none.
    std::string error;
};

/// Reads a file of a secret. Symbolic links are followed, because Kubernetes mounts a Secret as links.
///
/// Refused are: a file that users beside the owner and the group may read, or that anybody but the owner may write; a
/// file with more than `limit` bytes; and whatever is no regular file. The group may read, because a Secret of
/// Kubernetes belongs to root and to the group of the pod (fsGroup), and systemd grants its credentials by an entry
/// that shows as a right of the group.
///
/// Thread: any.
[[nodiscard]] FileText read_secret_file(const std::string& path, std::size_t limit);

/// Reads a file that holds no secret: as read_secret_file(), but whoever may read or write the file.
[[nodiscard]] FileText read_public_file(const std::string& path, std::size_t limit);

}  // namespace tulle::mesh
