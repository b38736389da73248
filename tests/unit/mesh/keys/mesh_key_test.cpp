#include "mesh/keys/mesh_key.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "mesh/keys/key_file.hpp"

namespace tulle::mesh::mesh_key_test {
namespace {

KeyBytes counting() {
    KeyBytes secret{};
    for (std::size_t i = 0; i < secret.size(); ++i) {
        secret[i] = static_cast<unsigned char>(i);
    }
    return secret;
}

std::string hex(const KeyBytes& bytes) {
    constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    for (const unsigned char byte : bytes) {
        text += kDigits[byte >> 4u];
        text += kDigits[byte & 0xfu];
    }
    return text;
}

/// The reason of the error, or "" when nothing is thrown.
template <class F>
std::string error_of(F&& run) {
    try {
        run();
    } catch (const KeyFileError& error) {
        return error.what();
    }
    return {};
}

TEST(AMeshKey, DerivesTheSameKeysFromTheSameSecretForEver) {
    const MeshKey key(counting());
    // By Python's cryptography: HKDF(SHA256, length 32, salt none, info) and X25519PrivateKey.from_private_bytes.
    EXPECT_EQ(hex(key.server().secret_key), "79c4037d7edaac17f3943089b241fe24ab756dad358eb90e0d446c95b77d6fd4");
    EXPECT_EQ(hex(key.server().public_key), "e530731d94297159676cade5b8c095d88a9e2a38516bf38c4c0c8b4d2321031b");
    EXPECT_EQ(hex(key.client().public_key), "4b89cd006866d9e7bac37978800a8bfccb0a299a71e60dc7086d8d380ac3cb28");
    EXPECT_EQ(hex(key.derive("tulle/position")), "2f41c9a7e9728994961426ec7d2650a1cd3b0a2db40f815db6477423e49cd6ff");
    EXPECT_EQ(key.id(), "829002f2");
    EXPECT_EQ(key.text(), "tulle-mesh-1 829002f2 AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8");
}

TEST(AMeshKey, IsReadBackFromItsText) {
    const MeshKey key = MeshKey::make();
    const auto again = MeshKey::parse(key.text());
    ASSERT_TRUE(again);
    EXPECT_EQ(again->id(), key.id());
    EXPECT_EQ(again->client().public_key, key.client().public_key);
    EXPECT_NE(MeshKey::make().id(), key.id());
}

TEST(AMeshKey, IsRefusedWhenItsTextIsDamaged) {
    const std::string good = MeshKey::make().text();
    ASSERT_TRUE(MeshKey::parse(good));
    // Every single damaged place is found by the id.
    for (std::size_t i = 0; i < good.size(); ++i) {
        std::string bad = good;
        bad[i] = bad[i] == 'A' ? 'Q' : 'A';
        EXPECT_FALSE(MeshKey::parse(bad)) << i;
        EXPECT_FALSE(MeshKey::parse(good.substr(0, i))) << i;
    }
    EXPECT_FALSE(MeshKey::parse(good + "A"));
    EXPECT_FALSE(MeshKey::parse(" " + good));
    EXPECT_FALSE(MeshKey::parse(std::string(100'000, 'A')));
}

TEST(AKeyRing, FindsTheKeyOfAClientAndUsesTheFirst) {
    const MeshKey a = MeshKey::make();
    const MeshKey b = MeshKey::make();
    const KeyRing ring({a, b});
    const auto view = [](const KeyBytes& bytes) {
        return std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    };
    EXPECT_EQ(ring.used().id(), a.id());
    EXPECT_EQ(ring.of_client(view(b.client().public_key))->id(), b.id());
    EXPECT_EQ(ring.of_client(view(MeshKey::make().client().public_key)), nullptr);
    EXPECT_EQ(ring.of_client(view(a.server().public_key)), nullptr);
    EXPECT_EQ(ring.of_client("short"), nullptr);
    EXPECT_EQ(ring.of_client(""), nullptr);
}

class KeyFiles : public ::testing::Test {
protected:
    KeyFiles() {
        char name[] = "/tmp/tulle-keys-XXXXXX";
        directory_ = ::mkdtemp(name);
    }
    ~KeyFiles() override { std::filesystem::remove_all(directory_); }

    std::string write(const std::string& name, const std::string& text, mode_t mode = 0600) {
        const std::string path = directory_ + "/" + name;
        std::ofstream(path) << text;
        ::chmod(path.c_str(), mode);
        return path;
    }

    std::string directory_;
};

TEST_F(KeyFiles, AreWrittenForTheOwnerAloneAndNeverOverwritten) {
    const std::string path = directory_ + "/mesh.key";
    const MeshKey key = MeshKey::make();
    write_key_file(path, key);
    struct stat facts {};
    ASSERT_EQ(::stat(path.c_str(), &facts), 0);
    EXPECT_EQ(facts.st_mode & 0777U, 0600U);
    EXPECT_EQ(read_key_file(path).id(), key.id());
    EXPECT_NE(error_of([&] { write_key_file(path, MeshKey::make()); }).find("exists"), std::string::npos);
    EXPECT_EQ(read_key_file(path).id(), key.id());
}

TEST_F(KeyFiles, MayHoldCommentsAndBeSymbolicLinks) {
    const MeshKey key = MeshKey::make();
    const std::string path = write("a", "# of the shop\n\n" + key.text() + "\r\n# end");
    EXPECT_EQ(read_key_file(path).id(), key.id());
    ASSERT_EQ(::symlink(path.c_str(), (directory_ + "/link").c_str()), 0);
    EXPECT_EQ(read_key_file(directory_ + "/link").id(), key.id());
    // A group may read: Kubernetes gives a mounted secret to the group of the pod.
    EXPECT_EQ(read_key_file(write("b", key.text(), 0440)).id(), key.id());
}

TEST_F(KeyFiles, AreRefusedWithTheirNameAndWithoutTheSecret) {
    const MeshKey key = MeshKey::make();
    const std::string secret = key.text().substr(22);
    const std::string two = key.text() + "\n" + MeshKey::make().text() + "\n";
    struct Case {
        std::string path;
        const char* why;
    };
    const Case cases[] = {{write("open", key.text(), 0644), "others can read"},
                          {write("open-w", key.text(), 0602), "others can read"},
                          {write("two", two), "one line"},
                          {write("none", "# nothing\n"), "one line"},
                          {write("damaged", key.text() + "x"), "one line"},
                          {write("large", std::string(5000, '#')), "more than 4096 bytes"},
                          {directory_, "no regular file"},
                          {directory_ + "/absent", "No such file"}};
    for (const Case& one : cases) {
        const std::string error = error_of([&] { static_cast<void>(read_key_file(one.path)); });
        EXPECT_NE(error.find(one.path), std::string::npos) << error;
        EXPECT_NE(error.find(one.why), std::string::npos) << error;
        EXPECT_EQ(error.find(secret), std::string::npos) << "the secret stands in the error";
    }
}

TEST_F(KeyFiles, MakeARingOfAtMostTwoDifferentKeys) {
    const MeshKey key = MeshKey::make();
    const std::string a = write("a", key.text());
    const std::string b = MeshKey::make().text();
    EXPECT_TRUE(read_key_ring({}).is_empty());
    const KeyRing ring = read_key_ring({a, b});
    EXPECT_EQ(ring.used().id(), key.id());
    EXPECT_EQ(ring.keys().size(), 2U);
    EXPECT_NE(error_of([&] { static_cast<void>(read_key_ring({a, key.text()})); }).find("twice"), std::string::npos);
    EXPECT_NE(error_of([&] {
                  static_cast<void>(read_key_ring({a, b, MeshKey::make().text()}));
              }).find("more than 2"),
              std::string::npos);
    const std::string damaged = error_of([&] { static_cast<void>(read_key_ring({b + "x"})); });
    EXPECT_EQ(damaged.find(b.substr(22)), std::string::npos) << "the secret stands in the error";
}

}  // namespace
}  // namespace tulle::mesh::mesh_key_test
