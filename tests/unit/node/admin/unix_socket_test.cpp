#include "node/admin/unix_socket.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <stdexcept>
#include <string>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <gtest/gtest.h>

#include "mesh/keys/secret_file.hpp"

namespace tulle::node::unix_socket_test {
namespace {

/// A directory that goes away with the test.
class UnixSocketTest : public ::testing::Test {
protected:
    UnixSocketTest() {
        char name[] = "/tmp/tulle-unix-XXXXXX";
        directory_ = ::mkdtemp(name);
        path_ = directory_ + "/admin.sock";
    }
    ~UnixSocketTest() override { std::filesystem::remove_all(directory_); }

    std::string error() const {
        try {
            UnixSocket socket(path_);
        } catch (const std::runtime_error& refused) {
            return refused.what();
        }
        return "";
    }
    unsigned mode() const {
        struct stat facts {};
        return ::lstat(path_.c_str(), &facts) == 0 ? facts.st_mode & 0777u : 0;
    }
    std::size_t files() const {
        return static_cast<std::size_t>(std::distance(std::filesystem::directory_iterator(directory_), {}));
    }
    /// A socket without a listener, as a killed process leaves it.
    void leave_stale() const {
        sockaddr_un address{};
        address.sun_family = AF_UNIX;
        std::copy(path_.begin(), path_.end(), std::begin(address.sun_path));
        const int descriptor = ::socket(AF_UNIX, SOCK_STREAM, 0);
        ASSERT_EQ(::bind(descriptor, reinterpret_cast<const sockaddr*>(&address), sizeof(address)), 0);
        ::close(descriptor);
    }

    std::string directory_;
    std::string path_;
};

TEST_F(UnixSocketTest, IsTheOwnersAloneWhateverTheUmask) {
    for (const mode_t mask : {mode_t{0}, mode_t{0077}, mode_t{0777}}) {
        const mode_t before = ::umask(mask);
        {
            const UnixSocket socket(path_);
            EXPECT_EQ(mode(), 0600u) << mask;
        }
        ::umask(before);
    }
    EXPECT_EQ(files(), 0u) << "nothing is left behind";
}

TEST_F(UnixSocketTest, ReplacesWhatADeadProcessHasLeft) {
    leave_stale();
    std::ofstream(path_ + ".lock") << "";
    ASSERT_EQ(files(), 2u);
    EXPECT_EQ(error(), "");
    EXPECT_EQ(files(), 0u);
}

TEST_F(UnixSocketTest, RefusesAPathWhereSomebodyListens) {
    const UnixSocket first(path_);
    EXPECT_EQ(error(), "cannot listen on unix:" + path_ + ": another process listens there");
    EXPECT_EQ(mode(), 0600u) << "the first is untouched";
    // The same without the lock: a listener of another kind.
    std::filesystem::remove(path_ + ".lock");
    EXPECT_EQ(error(), "cannot listen on unix:" + path_ + ": another process listens there");
    EXPECT_EQ(mode(), 0600u);
}

TEST_F(UnixSocketTest, RemovesNothingThatIsNoSocket) {
    std::ofstream(path_) << "precious";
    EXPECT_EQ(error(), "cannot listen on unix:" + path_ + ": there is a file that is no socket");
    EXPECT_EQ(why_no_unix_socket(path_), "there is a file that is no socket");
    EXPECT_EQ(std::filesystem::file_size(path_), 8u);
    std::filesystem::remove(path_);
    std::filesystem::create_symlink("/nowhere", path_);
    EXPECT_EQ(error(), "cannot listen on unix:" + path_ + ": there is a file that is no socket");
}

TEST_F(UnixSocketTest, LeavesALaterSocketAlone) {
    {
        const UnixSocket socket(path_);
        std::filesystem::remove(path_);
        leave_stale();
    }
    EXPECT_TRUE(std::filesystem::exists(path_));
}

TEST_F(UnixSocketTest, SaysWhatIsWrongWithTheDirectory) {
    EXPECT_EQ(why_no_unix_socket(path_), "");
    EXPECT_EQ(why_no_unix_socket(directory_ + "/no/admin.sock"), directory_ + "/no: No such file or directory");
    std::ofstream(directory_ + "/file") << "";
    EXPECT_EQ(why_no_unix_socket(directory_ + "/file/admin.sock"), directory_ + "/file: Not a directory");
    path_ = directory_ + "/no/admin.sock";
    EXPECT_EQ(error(), "cannot listen on unix:" + path_ + ": No such file or directory");
}

class SecretFileTest : public UnixSocketTest {
protected:
    /// The error of reading a file with this mode.
    std::string read(mode_t mode, const std::string& text = "secret") {
        std::filesystem::remove(path_);
        std::ofstream(path_) << text;
        ::chmod(path_.c_str(), mode);
        const mesh::FileText file = mesh::read_secret_file(path_, 10);
        EXPECT_EQ(file.text, file.error.empty() ? text : "");
        return file.error;
    }
};

TEST_F(SecretFileTest, IsForOwnerAndGroupAlone) {
    for (const mode_t good : {mode_t{0600}, mode_t{0400}, mode_t{0440}, mode_t{0640}}) {
        EXPECT_EQ(read(good), "") << good;
    }
    for (const mode_t bad : {mode_t{0644}, mode_t{0604}, mode_t{0602}, mode_t{0660}, mode_t{0601}}) {
        EXPECT_TRUE(read(bad).starts_with("has the mode 06")) << bad;
    }
    EXPECT_EQ(read(0444),
              "has the mode 0444, so that others can read or change a secret: chmod 0600, or 0640 with the node's"
              " group (for a Secret of Kubernetes: defaultMode: 0440 and fsGroup)");
}

TEST_F(SecretFileTest, IsARegularFileThatAMountMayLinkTo) {
    EXPECT_EQ(read(0600, "12345678901"), "has more than 10 bytes");
    EXPECT_EQ(read(0600, ""), "");
    // As Kubernetes mounts a Secret: a link to a file below a link to a directory.
    std::filesystem::create_directory(directory_ + "/..2026");
    std::ofstream(directory_ + "/..2026/token") << "linked";
    ::chmod((directory_ + "/..2026/token").c_str(), 0440);
    std::filesystem::create_symlink("..2026", directory_ + "/..data");
    std::filesystem::create_symlink("..data/token", directory_ + "/token");
    EXPECT_EQ(mesh::read_secret_file(directory_ + "/token", 10).text, "linked");
    EXPECT_EQ(mesh::read_secret_file(directory_, 10).error, "is no regular file");
    EXPECT_EQ(mesh::read_secret_file(directory_ + "/none", 10).error, "cannot be read: No such file or directory");
    ASSERT_EQ(::mkfifo((directory_ + "/pipe").c_str(), 0600), 0);
    EXPECT_EQ(mesh::read_secret_file(directory_ + "/pipe", 10).error, "is no regular file")
        << "and nobody waits for a writer";
}

}  // namespace
}  // namespace tulle::node::unix_socket_test
