// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include "goruntime/go_build_info.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "unit_test.h"

enum {
	DATA_VADDR = 0x500000,
	DATA_SIZE = 1024,
	/* Where the header stands in the data. */
	INFO = 64,
	STRING = 512, /* {pointer, length} */
	TEXT = 600,
};

/* A file with one writable segment, in which .go.buildinfo is the part from INFO on. */
struct file {
	Elf64_Ehdr header;
	Elf64_Phdr segment;
	Elf64_Shdr sections[3];
	char names[32];
	_Alignas(16) unsigned char data[DATA_SIZE];
};

static void file_init(struct file *file)
{
	static const char names[] = "\0.go.buildinfo\0.shstrtab";

	memset(file, 0, sizeof(*file));
	file->header = (Elf64_Ehdr){
		.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
			    __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__ ? ELFDATA2LSB : ELFDATA2MSB,
			    EV_CURRENT},
		.e_type = ET_DYN,
		.e_version = EV_CURRENT,
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_phoff = offsetof(struct file, segment),
		.e_phentsize = sizeof(Elf64_Phdr),
		.e_phnum = 1,
		.e_shoff = offsetof(struct file, sections),
		.e_shentsize = sizeof(Elf64_Shdr),
		.e_shnum = 3,
		.e_shstrndx = 2,
	};
	file->segment = (Elf64_Phdr){
		.p_type = PT_LOAD,
		.p_flags = PF_R | PF_W,
		.p_offset = offsetof(struct file, data),
		.p_vaddr = DATA_VADDR,
		.p_filesz = DATA_SIZE,
		.p_memsz = DATA_SIZE,
	};
	file->sections[1] = (Elf64_Shdr){
		.sh_name = 1,
		.sh_type = SHT_PROGBITS,
		.sh_addr = DATA_VADDR + INFO,
		.sh_offset = offsetof(struct file, data) + INFO,
		.sh_size = 256,
	};
	file->sections[2] = (Elf64_Shdr){
		.sh_name = 15,
		.sh_type = SHT_STRTAB,
		.sh_offset = offsetof(struct file, names),
		.sh_size = sizeof(file->names),
	};
	memcpy(file->names, names, sizeof(names));
}

static void put_magic(struct file *file, size_t at, unsigned char flags)
{
	memcpy(file->data + at, "\xff Go buildinf:\x08", 15);
	file->data[at + 15] = flags;
}

/* Go 1.18 and newer; versions are shorter than 128 bytes. */
static void put_inline(struct file *file, size_t at, const char *version)
{
	put_magic(file, at, 2);
	file->data[at + 32] = (unsigned char)strlen(version);
	memcpy(file->data + at + 33, version, strlen(version));
}

static void put_word(unsigned char *at, uint64_t value)
{
	memcpy(at, &value, sizeof(value));
}

/* Go 1.17 and older; `base` is where the data are. */
static void put_pointers(struct file *file, uint64_t base, const char *version)
{
	put_magic(file, INFO, __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__);
	put_word(file->data + INFO + 16, base + STRING);
	put_word(file->data + STRING, base + TEXT);
	put_word(file->data + STRING + 8, strlen(version));
	memcpy(file->data + TEXT, version, strlen(version));
}

static void drop_sections(struct file *file)
{
	file->header.e_shoff = 0;
	file->header.e_shnum = 0;
	file->header.e_shstrndx = 0;
}

static int read_file(const struct file *file, const struct go_memory *memory,
		     struct go_version *version)
{
	auto_free(elf_image) struct elf_image *image = NULL;

	assert_int_equal(elf_image_open_memory(file, sizeof(*file), &image, NULL), 0);
	return go_build_info_read(image, memory, version);
}

static void assert_version(const struct file *file, const struct go_memory *memory,
			   const char *text)
{
	struct go_version version;

	assert_int_equal(read_file(file, memory, &version), 0);
	assert_string_equal(version.text, text);
}

static void assert_none(const struct file *file, int err)
{
	struct go_version version = {.text = "untouched"};

	assert_int_equal(read_file(file, NULL, &version), err);
	assert_string_equal(version.text, "untouched");
}

static void inline_versions_are_read(void **state)
{
	struct file file;

	(void)state;
	file_init(&file);
	put_inline(&file, INFO, "go1.22.5");
	assert_version(&file, NULL, "go1.22.5");
}

static void pointers_lead_to_the_version(void **state)
{
	struct file file;

	(void)state;
	file_init(&file);
	put_pointers(&file, DATA_VADDR, "go1.17.13");
	assert_version(&file, NULL, "go1.17.13");
}

/* In a position-independent program the loader writes the pointers. */
static void pointers_of_memory_come_first(void **state)
{
	struct file file, loaded;
	struct go_memory memory = {
		.pid = getpid(),
		.bias = (uint64_t)(uintptr_t)loaded.data - DATA_VADDR,
	};

	(void)state;
	file_init(&file);
	loaded = file;
	put_magic(&file, INFO, 0);
	put_pointers(&loaded, (uint64_t)(uintptr_t)loaded.data, "go1.16.15");
	assert_none(&file, -EINVAL);
	assert_version(&file, &memory, "go1.16.15");
	/* Memory that is gone: the file tells. */
	put_pointers(&file, DATA_VADDR, "go1.15.2");
	memory.bias = 0;
	assert_version(&file, &memory, "go1.15.2");
}

static void segments_are_searched_without_sections(void **state)
{
	struct file file;

	(void)state;
	file_init(&file);
	drop_sections(&file);
	assert_none(&file, -ENODATA);
	put_inline(&file, 528, "go1.24rc1");
	assert_version(&file, NULL, "go1.24rc1");
	file.segment.p_flags = PF_R;
	assert_version(&file, NULL, "go1.24rc1");
	file.segment.p_flags = PF_R | PF_X;
	assert_none(&file, -ENODATA);
}

/* Programs that read build info have the magic as a constant, too. */
static void a_magic_alone_does_not_end_the_search(void **state)
{
	struct file file;

	(void)state;
	file_init(&file);
	drop_sections(&file);
	put_magic(&file, 0, 2);
	put_inline(&file, 520, "go1.1.1"); /* not aligned */
	assert_none(&file, -EINVAL);
	put_inline(&file, 768, "go1.21.1");
	assert_version(&file, NULL, "go1.21.1");
}

static void programs_with_sections_are_not_searched(void **state)
{
	struct file file;

	(void)state;
	file_init(&file);
	put_inline(&file, INFO, "go1.22.5");
	file.names[1] = ',';
	assert_none(&file, -ENODATA);
}

static void other_compilers_are_not_taken_for_go(void **state)
{
	struct file file;

	(void)state;
	file_init(&file);
	put_inline(&file, INFO, "go1.18 gccgo (Debian 12.2.0-14) 12.2.0");
	assert_none(&file, -ENODATA);
	put_inline(&file, INFO, "tinygo0.30");
	assert_none(&file, -EINVAL);
}

static void lies_are_harmless(void **state)
{
	struct file file;

	(void)state;
	file_init(&file);
	put_inline(&file, INFO, "go1.22.5");
	memset(file.data + INFO + 32, 0xff, 16); /* a length that does not end */
	assert_none(&file, -EINVAL);
	file.data[INFO + 32] = 0; /* "" */
	assert_none(&file, -EINVAL);
	put_inline(&file, INFO, "go1.22.5");
	file.sections[1].sh_size = 36; /* ends within the text */
	assert_none(&file, -EINVAL);
	file.sections[1].sh_size = 20;
	assert_none(&file, -EINVAL);
	file.sections[1].sh_size = UINT64_MAX;
	assert_none(&file, -ENODATA);
	file.sections[1].sh_offset = UINT64_MAX - 8;
	assert_none(&file, -ENODATA);
}

static void lying_pointers_are_harmless(void **state)
{
	struct file file;

	(void)state;
	file_init(&file);
	put_pointers(&file, DATA_VADDR, "go1.17.13");
	put_word(file.data + STRING + 8, UINT64_MAX);
	assert_none(&file, -EINVAL);
	put_word(file.data + STRING + 8, 9);
	put_word(file.data + STRING, DATA_VADDR + DATA_SIZE - 8);
	assert_none(&file, -EINVAL);
	put_word(file.data + INFO + 16, UINT64_MAX - 4);
	assert_none(&file, -EINVAL);
	put_pointers(&file, DATA_VADDR, "go1.17.13");
	file.data[INFO + 14] = 4; /* pointers of 32 bits */
	assert_none(&file, -EINVAL);
}

static int read_path(const char *path, struct go_version *version)
{
	auto_free(elf_image) struct elf_image *image = NULL;
	autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(elf_image_open_fd(fd, &image, NULL), 0);
	return go_build_info_read(image, NULL, version);
}

static void real_programs_are_told_apart(void **state)
{
	struct go_version version;

	(void)state;
	assert_int_equal(read_path(GO_SAMPLE, &version), 0);
	assert_true(version.minor >= 15);
	assert_memory_equal(version.text, "go1.", 4);
	assert_int_equal(read_path("/proc/self/exe", &version), -ENODATA);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inline_versions_are_read),
		cmocka_unit_test(pointers_lead_to_the_version),
		cmocka_unit_test(pointers_of_memory_come_first),
		cmocka_unit_test(segments_are_searched_without_sections),
		cmocka_unit_test(a_magic_alone_does_not_end_the_search),
		cmocka_unit_test(programs_with_sections_are_not_searched),
		cmocka_unit_test(other_compilers_are_not_taken_for_go),
		cmocka_unit_test(lies_are_harmless),
		cmocka_unit_test(lying_pointers_are_harmless),
		cmocka_unit_test(real_programs_are_told_apart),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
