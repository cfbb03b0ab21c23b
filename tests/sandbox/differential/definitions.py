"""The productions of functions and classes, each with code that uses it. See `grammar`."""

DEFINITIONS: list[str] = [
    """
def $name(a, b=$int, *rest, key=$str, **others):
    $body
    return a, b, rest, key, sorted(others)
print($name($int), $name($int, 2, 3, key='k', z=$str))
print($name(*$list, **$dict))
""",
    """
def $name(n):
    if n <= 1:
        return $int
    $body
    return n + $name(n - 1)
print($name($small))
""",
    """
def $name():
    count = $int
    def step(by=1):
        nonlocal count
        count += by
        $body
        return count
    return step
$name2 = $name()
print($name2(), $name2($int), $name2.__name__, $name2.__closure__[0].cell_contents)
""",
    """
def $name(items):
    for item in items:
        got = yield item * $small
        if got:
            print('got', got)
    return $str
$name2 = $name($list)
print(next($name2), $name2.send($str), list($name2))
""",
    """
def $name(items):
    try:
        done = yield from items
        print('done', done)
        yield $int
    except $error as error:
        yield repr(error)
    finally:
        print('closed')
$name2 = $name($words[:2])
print(next($name2), $name2.throw($raised($str)))
$name2.close()
print(list($name2))
""",
    """
def $name(function):
    @functools.wraps(function)
    def inner(*args, **kwargs):
        print(function.__name__, args, kwargs)
        return function(*args, **kwargs)
    return inner
@$name
def $name2(a, b=$int):
    return a $arithmetic b
print($name2($int), $name2(a=$int, b=$small), $name2.__wrapped__($int))
""",
    """
@functools.lru_cache(maxsize=8)
def $name(n):
    print('computed', n)
    return n * $int
print($name(2), $name(2), $name(3), $name.cache_info())
""",
    """
@functools.singledispatch
def $name(value):
    return f'any {value}'
@$name.register
def _(value: int):
    return f'int {value + 1}'
@$name.register(list)
def _(value):
    return [$name(one) for one in value]
print($name($int), $name($str), $name($list[:3]), $name($float))
""",
    """
class $name:
    total = $int
    def __init__(self, value):
        self.value = value
        type(self).total += 1
    def __repr__(self):
        return f'$name({self.value!r})'
    def __add__(self, other):
        return $name(self.value + other.value)
    def __eq__(self, other):
        return isinstance(other, $name) and self.value == other.value
    def __lt__(self, other):
        return self.value < other.value
    def __hash__(self):
        return 7
    def __len__(self):
        return self.value
    def __bool__(self):
        return $bool
$name2 = $name($int)
print($name2 + $name($int), $name2 == $name($int), sorted([$name(3), $name($int)]), $name.total)
print(len($name2), bool($name2), $name2 < $name($int), $name2 >= $name($int))
print($name2 + $int)
""",
    """
class $name:
    def __init__(self, n):
        self._n = n
    @property
    def n(self):
        return self._n
    @n.setter
    def n(self, value):
        if value < 0:
            raise ValueError(f'negative: {value}')
        self._n = value
    @classmethod
    def make(cls, *values):
        return cls(sum(values))
    @staticmethod
    def twice(x):
        return x * 2
    @functools.cached_property
    def slow(self):
        print('slow')
        return self._n + 1
$name2 = $name.make(*$list)
print($name2.n, $name.twice($str), $name2.slow, $name2.slow)
$name2.n = $int
print($name2.n, sorted(vars($name2)))
print($name2.missing_$small)
""",
    """
class $name:
    def __init__(self):
        print('base')
    def who(self):
        return 'base'
    def __str__(self):
        return self.who()
class $name2($name):
    def who(self):
        return 'one ' + super().who()
class $name3($name):
    def __init__(self, x=$int):
        super().__init__()
        self.x = x
    def who(self):
        return f'two {self.x} ' + super().who()
class $name4($name2, $name3):
    def __getattr__(self, name):
        if name == 'wild':
            return $int
        raise AttributeError(f'no {name}')
print($name4(), [one.__name__ for one in $name4.__mro__], $name4().wild, isinstance($name4(), $name3))
print($name4($str, 2))
""",
    """
class $name(abc.ABC):
    @abc.abstractmethod
    def area(self): ...
    def twice(self):
        return self.area() * 2
class $name2($name):
    def __init__(self, a, b):
        self.a, self.b = a, b
    def area(self):
        return self.a * self.b
print($name2($int, $small).twice())
print($name())
""",
    """
class $name:
    def __init__(self, items):
        self.items = items
    def __iter__(self):
        return iter(self.items)
    def __getitem__(self, key):
        return (type(key).__name__, self.items[key])
    def __contains__(self, item):
        return item == $int
    def __call__(self, *args):
        return len(args)
    def __enter__(self):
        print('enter')
        return self
    def __exit__(self, kind, error, trace):
        print('exit', kind and kind.__name__, error)
        return $bool
with $name($list) as $name2:
    print(list($name2), $int in $name2, $name2(1, 2), $name2[$small], $name2[1:$small])
    $body
    raise $raised($str)
""",
    """
@dataclasses.dataclass
class $name:
    a: int
    b: str = $str
    c: list = dataclasses.field(default_factory=list)
    d: float = dataclasses.field(default=1.5, repr=False, compare=False)
    def __post_init__(self):
        self.c = [*self.c, self.a]
print($name($int), $name(1, 'x') == $name(1, 'x', d=$float), dataclasses.asdict($name($int, $str, $list)))
print(dataclasses.replace($name($int), b=$str), [f.name for f in dataclasses.fields($name)], $name())
""",
    """
@dataclasses.dataclass(frozen=True, order=True, slots=True)
class $name:
    x: int
    y: int = $int
print(sorted([$name($int), $name(2), $name(0, $int)]), {$name(1, 2): 'k'}[$name(1, 2)])
match $name($int, $small):
    case $name(x=0):
        print('zero')
    case $name(x, y) if x > y:
        print('more', x, y)
    case _:
        print('else')
$name(1).x = $int
""",
    """
class $name(enum.Enum):
    RED = 1
    GREEN = $int
    BLUE = 'b'
print(list($name), $name.RED, repr($name.BLUE), $name['GREEN'].value, $name(1).name, len($name))
print($name($int))
""",
    """
class $name(enum.IntFlag):
    R = 4
    W = 2
    X = 1
print($name.R | $name.W, $name($small), repr($name(7) & ~$name.X), $name.R in $name(6), int($name.R) + $int)
""",
    """
$name = collections.namedtuple('$name', 'x y', defaults=[$int])
$name2 = $name($int)
print($name2, $name2._replace(y=$str), $name2._asdict(), $name2[0], *$name2, $name2 == ($int, $int))
$name2.x = 1
""",
    """
class $name(typing.NamedTuple):
    a: int
    b: str = $str
print($name($int), $name(1, b=$str).b, $name._fields, $name($int) < $name($int))
print($name(1, 2, 3))
""",
    """
class $name(Exception):
    def __init__(self, code, text=$str):
        super().__init__(text)
        self.code = code
try:
    try:
        $body
        raise $name($int)
    except $name as error:
        print(error.code, error, error.args)
        raise RuntimeError('outer') from error
except RuntimeError as error:
    print(repr(error.__cause__), error)
    error.add_note($str)
    print(error.__notes__)
""",
    """
class $name:
    def __set_name__(self, owner, name):
        print('named', name)
        self.name = '_' + name
    def __get__(self, instance, owner=None):
        return self if instance is None else getattr(instance, self.name, $int)
    def __set__(self, instance, value):
        if not isinstance(value, int):
            raise TypeError(f'{self.name} must be int, not {type(value).__name__}')
        setattr(instance, self.name, value)
class $name2:
    size = $name()
    def __init_subclass__(cls, **kwargs):
        print('sub', cls.__name__, kwargs)
class $name3($name2):
    pass
$name4 = $name3()
print($name4.size)
$name4.size = $int
print($name4.size, $name4.__dict__)
$name4.size = $str
""",
    """
class $name(type):
    def __new__(mcs, name, bases, space):
        space['tag'] = name.lower()
        return super().__new__(mcs, name, bases, space)
    def __len__(cls):
        return $small
class $name2(metaclass=$name):
    __slots__ = ('a',)
print($name2.tag, len($name2), type($name2).__name__)
$name2().b = $int
""",
    """
@contextlib.contextmanager
def $name(tag):
    print('open', tag)
    try:
        yield tag
    except $error as error:
        print('swallowed', error)
    finally:
        print('close', tag)
with $name($str) as a, $name($int) as b:
    print(a, b)
    $body
""",
    """
with contextlib.ExitStack() as $name:
    $name.callback(print, 'last', $str)
    $name.push(lambda kind, error, trace: print('pushed', kind) or $bool)
    $body
    raise $raised($str)
""",
    """
@functools.total_ordering
class $name:
    def __init__(self, v):
        self.v = v
    def __eq__(self, other):
        return self.v == other.v
    def __lt__(self, other):
        return self.v < other.v
    def __format__(self, spec):
        return f'<{self.v:{spec}}>'
    def __index__(self):
        return self.v
    def __rmul__(self, other):
        return ('rmul', other)
    def __matmul__(self, other):
        return 'matmul'
$name2 = $name($int)
print($name2 >= $name($int), f'{$name2:>$small}', $list * 1, 3 * $name2, $name2 @ 2, hex($name2), range(9)[$name2])
""",
    """
class $name(dict):
    def __missing__(self, key):
        return f'no {key}'
    def __setitem__(self, key, value):
        super().__setitem__(str(key), value)
$name2 = $name($dict)
$name2[$int] = $str
print($name2, $name2[$str], '{a} {q}'.format_map($name2), $name2.get('q'))
""",
    """
$name = contextvars.ContextVar('$name', default=$int)
$name2 = $name.set($str)
print($name.get())
$name.reset($name2)
print($name.get(), contextvars.copy_context().run(lambda: $name.set(3) and $name.get()))
$name.reset($name2)
""",
    """
$name = functools.partial(int, base=$small)
print($name('1'), $name.args, $name.keywords)
print($name($str))
""",
    """
def $name(x: int = $int, *, y: 'str' = $str) -> list:
    'Says.'
    return [x, y]
print($name(), $name.__annotations__, $name.__doc__, $name.__defaults__, $name(y=1, $name=2))
""",
]
