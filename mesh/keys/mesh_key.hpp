#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tulle::mesh {

/// 32 secret or public bytes: the size of X25519 keys, of the cluster's secret, and of everything derived from the
/// secret.
using KeyBytes = std::array<unsigned char, 32>;

/// A key pair of CURVE (X25519), in binary form.
struct CurvePair {
    KeyBytes public_key{};
    KeyBytes secret_key{};
};

/// The secret of a cluster, and all keys derived from the secret. Two nodes with an equal secret trust each other; any
/// process that knows the secret is a node.
///
/// Each derived key is HKDF-SHA256 (RFC 5869) of the secret without a salt; the label is the "info" of HKDF.
///
/// Thread: immutable after construction; any thread may read.
/// Ownership: the memory of the secrets is wiped when the object goes.
class MeshKey {
public:
    /// The longest text of a key, with room for an id of any length in later versions.
    static constexpr std::size_t kMaxTextBytes = 128;

    /// Makes a key of random bytes from the system. Throws std::runtime_error when the system has no random bytes.
    [[nodiscard]] static MeshKey make();
    /// Reads "tulle-mesh-1 ID SECRET", the form of text(). Nothing for any other form, and for an ID that does not
    /// belong to SECRET: a key damaged by an editor must not make a second cluster.
    [[nodiscard]] static std::optional<MeshKey> parse(std::string_view text);
    explicit MeshKey(const KeyBytes& secret);
    ~MeshKey();
    MeshKey(const MeshKey&) = default;
    MeshKey(MeshKey&&) = default;
    MeshKey& operator=(const MeshKey&) = default;
    MeshKey& operator=(MeshKey&&) = default;

    /// The secret as text, for a file: 43 digits of base64url after the id.
    [[nodiscard]] std::string text() const;
    /// 8 hexadecimal digits of the SHA-256 of the servers' public key. The id may be shown anywhere; nobody can find
    /// the secret by the id.
    [[nodiscard]] const std::string& id() const { return id_; }
    /// The pair of the bound sockets of every node.
    [[nodiscard]] const CurvePair& server() const { return server_; }
    /// The pair of the connecting sockets of every node. A bound socket accepts this public key alone.
    [[nodiscard]] const CurvePair& client() const { return client_; }
    /// 32 bytes for another use of the secret. The label names the use, and no two uses share a label.
    [[nodiscard]] KeyBytes derive(std::string_view label) const;

private:
    KeyBytes secret_;
    CurvePair server_;
    CurvePair client_;
    std::string id_;
};

/// The keys of a node. The first key is used: the node's own sockets bear it. Every key is accepted from other nodes.
/// Two keys exist only while an operator replaces a key. Empty: the mesh has no keys, and anybody can join.
///
/// Thread: immutable after construction; any thread may read.
class KeyRing {
public:
    /// The key in use and the next one; or the key in use and the former one.
    static constexpr std::size_t kMaxKeys = 2;

    KeyRing() = default;
    /// REQUIRES: at most kMaxKeys keys, all different.
    explicit KeyRing(std::vector<MeshKey> keys);

    [[nodiscard]] bool is_empty() const { return keys_.empty(); }
    /// The key in use. REQUIRES: the ring is not empty.
    [[nodiscard]] const MeshKey& used() const;
    /// All keys, the key in use first.
    [[nodiscard]] const std::vector<MeshKey>& keys() const { return keys_; }
    /// The ids of all keys, the key in use first.
    [[nodiscard]] std::vector<std::string> ids() const;
    /// The ids for people, with commas between them; empty without keys.
    [[nodiscard]] std::string text_of_ids() const;
    /// The key with the client pair's public key `bytes`, or null. The time does not depend on the bytes.
    [[nodiscard]] const MeshKey* of_client(std::string_view bytes) const;
    /// True when both rings hold equal keys in the same order.
    friend bool operator==(const KeyRing& a, const KeyRing& b) { return a.ids() == b.ids(); }

private:
    std::vector<MeshKey> keys_;
};

}  // namespace tulle::mesh
