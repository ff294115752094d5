# The front door; CMakeLists.txt and CMakePresets.json do the work. `make help` lists the targets.

PREFIX ?= /usr/local
DESTDIR ?=
export DESTDIR

# Debian packages (DEBIAN_FRONTEND and sudo are seen to by tools/packages)
BUILD_PACKAGES = gcc libc6-dev make cmake ninja-build pkgconf zlib1g-dev libpng-dev \
    libturbojpeg0-dev libjansson-dev libprotobuf-c-dev protobuf-c-compiler libonnx-dev
# Optional: pictures as PNG files (cairo, fonts), words as ICU cuts them
FULL_PACKAGES = libcairo2-dev fonts-dejavu-core fonts-wqy-microhei libicu-dev
DEMO_PACKAGES = dataset-fashion-mnist
DEMO_TEXT_PACKAGES = nodejs npm
TEST_PACKAGES = g++ clang libclang-rt-14-dev clang-format libcmocka-dev binutils python3-onnx
CROSS_PACKAGES = gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user

JOBS := $(shell nproc 2>/dev/null || echo 2)
CTEST = ctest --output-on-failure -j $(JOBS)

.PHONY: all command setup setup-full setup-test demo demo-text test test-release test-asan test-tsan test-aarch64 bench \
    install deb fuzz mutate format clean help

all: build/build.ninja
	@cmake --build build

# what the demos need: without the tests and examples, a third of the build
command: build/build.ninja
	@cmake --build build --target weft_command

build/build.ninja:
	@cmake --preset release

setup:
	@sh tools/packages $(BUILD_PACKAGES) $(DEMO_PACKAGES)

setup-full: setup
	@sh tools/packages $(FULL_PACKAGES)

setup-test: setup
	@sh tools/packages $(TEST_PACKAGES)

demo: setup command
	@sh tools/demo

demo-text: setup command
	@command -v npm >/dev/null || sh tools/packages $(DEMO_TEXT_PACKAGES)
	@sh tools/demo_text

# The complete run comes last, so that its summary is what one sees.
test: setup-test test-asan test-tsan test-release

test-asan:
	cmake --preset asan -DWEFT_WERROR=ON
	cmake --build build-asan
	$(CTEST) --test-dir build-asan -LE 'slow|lint|package|native'

test-tsan:
	cmake --preset tsan -DWEFT_WERROR=ON
	cmake --build build-tsan
	$(CTEST) --test-dir build-tsan -L threads

test-release:
	cmake --preset release -DWEFT_WERROR=ON
	cmake --build build
	$(CTEST) --test-dir build

test-aarch64:
	@sh tools/packages $(CROSS_PACKAGES)
	sh tools/sysroot build-aarch64/sysroot
	cmake --preset aarch64
	cmake --build build-aarch64
	$(CTEST) --test-dir build-aarch64 -L '^(base|kernels|ops|graph|plan|inspect)$$' -LE 'native|slow'

# BENCH: options of bench/run, such as BENCH="--part networks --rounds 5"
BENCH ?=
bench: all
	@cmake --build build --target bench
	@sh tools/bench build $(BENCH)

install: all
	cmake --install build --prefix "$(PREFIX)"

deb:
	cmake --preset deb
	cmake --build build-deb
	cd build-deb && cpack
	@ls build-deb/*.deb

# libFuzzer on every reader, FUZZ_SECONDS each; new inputs go to build-fuzz/, findings too.
FUZZ_SECONDS ?= 60
fuzz:
	cmake --preset fuzz
	cmake --build build-fuzz
	sh tools/fuzz build-fuzz $(FUZZ_SECONDS)

# Can the tests fail? MUTATE: words of the faults to plant, and options, such as MUTATE="metrics -j 4"
MUTATE ?=
mutate:
	python3 tools/mutate $(MUTATE)

format:
	sh tools/format

clean:
	rm -rf build build-asan build-tsan build-debug build-fuzz build-coverage build-deb build-aarch64

help:
	@echo "make               build/weft, and libweft in build/"
	@echo "make setup         install the Debian packages that the build and the demo need"
	@echo "make setup-full    and the optional ones: pictures as PNG files, ICU"
	@echo "make demo          setup, build, train on Fashion-MNIST"
	@echo "make demo-text     the same on mails: spam or not"
	@echo "make test          everything: sanitizers, style, all tests (setup-test included)"
	@echo "make test-release  all tests, without sanitizers"
	@echo "make test-aarch64  kernel and operator tests for 64-bit ARM, under qemu"
	@echo "make bench         measure, beside PyTorch and others; part of it: BENCH=\"--part networks\""
	@echo "make fuzz          libFuzzer on every reader, FUZZ_SECONDS=60 each"
	@echo "make install       to PREFIX=$(PREFIX), below DESTDIR"
	@echo "make deb           a Debian package in build-deb/"
	@echo "make mutate        plant faults, one at a time: does a test see each? half an hour"
	@echo "make format        lay out the C files (clang-format)"
	@echo "make clean         remove every build folder"
	@echo
	@echo "One test:  cmake --build build --target base.arena && build/tests/base.arena 'arena_*'"
